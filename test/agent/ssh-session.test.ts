import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execPath, kill } from 'node:process';
import { suite, test, type TestContext } from 'node:test';
import { AGENT_DIALECT, type AgentLauncher } from '../../src/control/channel.ts';
import type { AgentMessage } from '../../src/control/messages.ts';
import { sshLauncher } from '../../src/control/ssh-launcher.ts';
import { temporaryDirectory } from '../content/fixtures.ts';
import { realClock } from '../control/clocks.ts';
import { noSshd, privateSshd } from '../control/sshd.ts';
import { configuration } from './agents.ts';

const PROJECT = join(import.meta.dirname, '../..');
const never = new AbortController().signal;

type Ready = Extract<AgentMessage, { type: 'ready' }>;

void suite('agents behind OpenSSH', { skip: noSshd() }, () => {
  void test('an agent outlives the session in which it was started, whichever end is killed', async (t) => {
    const directory = temporaryDirectory(t);
    const spool = join(directory, 'cache/kgetplus/spool');
    mkdirSync(spool, { recursive: true });
    const sshd = await privateSshd(directory);
    t.after(() => sshd.stop());
    const { version } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')) as {
      version: string;
    };
    const launcher = sshLauncher({
      agentFile: join(PROJECT, 'dist/agent.cjs'),
      dialect: AGENT_DIALECT,
      version,
      remoteNode: execPath,
      clock: realClock,
      command: sshd.command,
    });
    const first = await configured(t, launcher, 'first');
    assert.deepEqual(first.ready.warnings, []);
    const agent = Number(readFileSync(join(spool, 'key/node1/agent.lock'), 'utf8').split(' ')[0]);
    const goesOn = new RegExp(`goes on as process ${agent}$`);
    // The part of sshd that serves this session.
    kill(parentOf(agent), 'SIGKILL');
    await first.ended;

    const second = await configured(t, launcher, 'second');
    assert.match(second.ready.warnings.join(), goesOn);
    // The connection is lost without a word from our side.
    second.channel.close();
    await second.ended;

    const third = await configured(t, launcher, 'third');
    assert.match(third.ready.warnings.join(), goesOn);
    third.channel.send({ type: 'leave', emptySpool: true });
    await third.ended;
    assert.deepEqual(readdirSync(spool), []);
  });
});

/** Starts an agent, and configures it for a coordinator. */
async function configured(t: TestContext, launcher: AgentLauncher, command: string) {
  const { channel } = await launcher.launch('127.0.0.1', never);
  t.after(() => channel.close());
  const ended = new Promise((resolve) => channel.onEnd(resolve));
  channel.send(await configuration({}, command));
  const ready = await new Promise<Ready>((resolve, reject) => {
    channel.onMessage((message) => {
      if (message.type === 'ready') resolve(message);
      else if (message.type === 'left') channel.close();
      else reject(new Error(JSON.stringify(message)));
    });
  });
  return { channel, ready, ended };
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}
