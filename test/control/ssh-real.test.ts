import assert from 'node:assert/strict';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { it } from 'node:test';
import { AGENT_DIALECT, type AgentLauncher } from '../../src/control/channel.ts';
import { sshLauncher } from '../../src/control/ssh-launcher.ts';
import { hear } from './channel-contract.ts';
import { realClock } from './clocks.ts';
import { noSshd, privateSshd } from './sshd.ts';
import { temporaryDirectory } from './temporary.ts';

const never = new AbortController().signal;

/** Starts an agent, has it answer and leave; returns how long the start took, in milliseconds. */
async function visit(launcher: AgentLauncher): Promise<number> {
  const startMs = realClock.nowMs();
  const { channel, address } = await launcher.launch('127.0.0.1', never);
  const tookMs = realClock.nowMs() - startMs;
  assert.equal(address, '127.0.0.1');
  const { messages, ended } = hear(channel);
  channel.send({ type: 'ping' });
  channel.send({ type: 'leave', emptySpool: false });
  assert.equal(await ended, undefined);
  assert.deepEqual(messages, [{ type: 'pong' }, { type: 'left' }]);
  return tookMs;
}

void it(
  '`sshLauncher` works through OpenSSH when a real sshd answers',
  {
    skip: noSshd(),
  },
  async (test) => {
    const directory = temporaryDirectory();
    const sshd = await privateSshd(directory);
    test.after(() => sshd.stop());
    const settings = {
      agentFile: join(import.meta.dirname, 'fake-agent.cjs'),
      version: '1.2.3',
      dialect: AGENT_DIALECT,
      remoteNode: execPath,
      clock: realClock,
    };
    const launcher = sshLauncher({ ...settings, command: sshd.command });
    const shippedMs = await visit(launcher);
    const cachedMs = await visit(launcher);
    test.diagnostic(
      `started in ${shippedMs.toFixed(0)} ms shipped, ${cachedMs.toFixed(0)} ms cached`,
    );

    const strange = ['-oStrictHostKeyChecking=yes', '-oUserKnownHostsFile=/dev/null'];
    const [ssh = 'ssh', ...words] = sshd.command;
    const trials: [extra: string[], message: RegExp][] = [
      [strange, /host key is not known/],
      [['-oPubkeyAuthentication=no'], /does not let us in/],
      [['-p1'], /was refused/],
    ];
    for (const [extra, message] of trials) {
      const command = [ssh, ...extra, ...words];
      const fails = sshLauncher({ ...settings, command }).launch('127.0.0.1', never);
      await assert.rejects(fails, { code: 'unreachable', message });
    }
  },
);
