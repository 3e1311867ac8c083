import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { env, execPath } from 'node:process';
import { suite, test, type TestContext } from 'node:test';
import { agentMessage, type AgentMessage } from '../../src/control/messages.ts';
import type { CoordinatorChannel } from '../../src/control/channel.ts';
import { streamChannel } from '../../src/control/stream-channel.ts';
import { temporaryDirectory } from '../content/fixtures.ts';
import { configuration } from './agents.ts';

const AGENT = join(import.meta.dirname, '../../src/agent/main.ts');

void suite('agents as processes', { concurrency: 2 }, () => {
  void test('an agent outlives its session, and is found by the next one, again and again', async (t) => {
    const home = realpathSync(temporaryDirectory(t));
    const image = join(home, 'disk.img');
    writeFileSync(image, Buffer.alloc(100_000, 'x'));
    const agent = start(t, home);
    agent.channel.send(await configuration({}));
    assert.deepEqual((await agent.heard('ready')).warnings, []);
    agent.channel.send({ type: 'find', patterns: [image] });
    const scanned = await agent.heard('scanned');
    // As when a session of ssh is cut: a hang-up, and nobody at the other end of any stream.
    agent.child.kill('SIGHUP');
    for (const stream of agent.child.stdio) stream?.destroy();

    for (const command of ['second', 'third']) {
      const relay = start(t, home);
      relay.channel.send(await configuration({}, command));
      const { warnings } = await relay.heard('ready');
      assert.match(warnings.join(), new RegExp(`goes on as process ${agent.child.pid}$`));
      relay.channel.send({ type: 'find', patterns: [image] });
      assert.deepEqual(await relay.heard('scanned'), scanned);
      relay.child.kill('SIGKILL');
      await relay.exit;
    }
    const last = start(t, home);
    last.channel.send(await configuration({}, 'fourth'));
    await last.heard('ready');
    last.channel.send({ type: 'leave', emptySpool: true });
    await last.heard('left');
    last.channel.close();
    assert.deepEqual(await Promise.all([last.exit, agent.exit]), [
      [0, null],
      [0, null],
    ]);
    assert.deepEqual(readdirSync(join(home, 'kgetplus/spool')), []);
  });

  void test('an agent that is told to end by SIGTERM leaves in order, also without a coordinator', async (t) => {
    const home = temporaryDirectory(t);
    const agent = start(t, home);
    agent.channel.send(await configuration({}));
    await agent.heard('ready');
    agent.channel.close();
    // It has not left: the one that comes finds it.
    const relay = start(t, home);
    relay.channel.send(await configuration({}));
    assert.match((await relay.heard('ready')).warnings.join(), /goes on/);
    relay.child.kill('SIGTERM');
    assert.deepEqual(await relay.exit, [0, null]);
    assert.ok(existsSync(join(home, 'kgetplus/spool/key/node1/agent.sock')));
    agent.child.kill('SIGTERM');
    assert.deepEqual(await agent.exit, [0, null]);
    assert.deepEqual(readdirSync(join(home, 'kgetplus/spool')), []);
  });

  void test('the agent of another run makes way, and one that was killed is no hindrance', async (t) => {
    const home = temporaryDirectory(t);
    const agent = start(t, home);
    agent.channel.send(await configuration({}));
    await agent.heard('ready');
    const fresh = start(t, home);
    fresh.channel.send(await configuration({ runId: 'other' }));
    assert.deepEqual((await fresh.heard('ready')).warnings, []);
    assert.deepEqual(await agent.exit, [0, null]);
    fresh.child.kill('SIGKILL');
    await fresh.exit;
    const last = start(t, home);
    last.channel.send(await configuration({ runId: 'other' }));
    assert.deepEqual((await last.heard('ready')).warnings, []);
    assert.match(
      readFileSync(join(home, 'kgetplus/spool/key/node1/agent.lock'), 'utf8'),
      new RegExp(`^${last.child.pid} `),
    );
    last.channel.send({ type: 'leave', emptySpool: true });
    await last.heard('left');
    last.channel.close();
    assert.deepEqual(await last.exit, [0, null]);
    assert.deepEqual(readdirSync(join(home, 'kgetplus/spool')), []);
  });
});

/** An agent as a process of its own, in a session of its own, as launchers start it. */
function start(t: TestContext, home: string) {
  const child = spawn(execPath, [AGENT], {
    env: { ...env, HOME: home, XDG_CACHE_HOME: home },
    stdio: 'pipe',
    detached: true,
  });
  const exit = once(child, 'exit');
  t.after(async () => {
    child.kill('SIGKILL');
    await exit;
  });
  child.stdin.on('error', () => {});
  const unheard: AgentMessage[] = [];
  const listeners = new Set<() => void>();
  const channel: CoordinatorChannel = streamChannel({
    readable: child.stdout,
    writable: child.stdin,
    schema: agentMessage,
    peer: 'the agent',
  });
  channel.onEnd(() => {});
  channel.onMessage((message) => {
    unheard.push(message);
    for (const listener of listeners) listener();
  });

  /** The next message of a type; those before it are passed over. */
  function heard<Type extends AgentMessage['type']>(
    type: Type,
  ): Promise<Extract<AgentMessage, { type: Type }>> {
    return new Promise((resolve) => {
      const look = (): void => {
        const place = unheard.findIndex((message) => message.type === type);
        if (place < 0) return;
        listeners.delete(look);
        const [message] = unheard.splice(0, place + 1).slice(-1);
        resolve(message as Extract<AgentMessage, { type: Type }>);
      };
      listeners.add(look);
      look();
    });
  }
  return { child, exit, channel, heard };
}
