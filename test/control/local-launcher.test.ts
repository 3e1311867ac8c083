import assert from 'node:assert/strict';
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { env } from 'node:process';
import { describe, it } from 'node:test';
import type { AgentLauncher } from '../../src/control/channel.ts';
import { localLauncher, type LocalLauncherOptions } from '../../src/control/local-launcher.ts';
import { START_TIMEOUT_MS } from '../../src/control/start-agent.ts';
import { hear } from './channel-contract.ts';
import { realClock, steppedClock } from './clocks.ts';
import { temporaryDirectory } from './temporary.ts';

const never = new AbortController().signal;
const agentFile = join(import.meta.dirname, 'fake-agent.cjs');

function local(mood?: string, options?: Partial<LocalLauncherOptions>): AgentLauncher {
  return localLauncher({
    agentFile,
    version: '1.2.3',
    clock: realClock,
    placeOf: () => ({ env: { ...env, FAKE_AGENT: mood } }),
    ...options,
  });
}

void describe('localLauncher', () => {
  void it('`launch` gives a channel to the agent when it has said hello', async () => {
    const cwd = realpathSync(temporaryDirectory());
    const agent = await local('', { placeOf: () => ({ cwd }) }).launch('node07', never);
    assert.equal(agent.address, '127.0.0.1');
    const { messages, ended } = hear(agent.channel);
    agent.channel.send({ type: 'ping' });
    agent.channel.send({ type: 'find', patterns: [] });
    agent.channel.send({ type: 'leave', emptySpool: false });
    assert.equal(await ended, undefined);
    assert.deepEqual(messages, [{ type: 'pong' }, { type: 'notice', text: cwd }, { type: 'left' }]);
  });

  void it('`close` ends the agent without a failure', async () => {
    const { channel } = await local().launch('node07', never);
    const { ended } = hear(channel);
    channel.close();
    assert.equal(await ended, undefined);
  });

  void it('`onEnd` tells the exit code and the last words when the agent dies', async () => {
    const { channel } = await local('dies').launch('node07', never);
    const { ended } = hear(channel);
    channel.send({ type: 'ping' });
    assert.deepEqual(await ended, {
      code: 'disconnected',
      message:
        'The agent on node07 went away: its process ended with exit code 7; ' +
        'its last words: "fatal: out of memory"',
    });
  });

  void it('`launch` rejects with `unreachable` when the agent ends without a word', async () => {
    await assert.rejects(local('crash').launch('node07', never), {
      code: 'unreachable',
      message: /node07: .*exit code 9; its last words: "fatal: no luck today"/,
    });
  });

  void it('`launch` rejects with `version` when the agent is of another one', async () => {
    await assert.rejects(local('other-version').launch('node07', never), {
      code: 'version',
      message: /its version is 0.0.1, wanted 1.2.3/,
    });
  });

  void it('`launch` rejects with `timeout` when the agent says nothing', async () => {
    const clock = steppedClock();
    const launch = local('mute', { clock }).launch('node07', never);
    clock.pass(START_TIMEOUT_MS);
    await assert.rejects(launch, { code: 'timeout', message: /node07: no answer within 60 s/ });
  });

  void it('`launch` rejects with `cancelled` when it is aborted', async () => {
    const abort = new AbortController();
    const launch = local('mute').launch('node07', abort.signal);
    abort.abort();
    await assert.rejects(launch, { code: 'cancelled' });
    await assert.rejects(local().launch('node07', abort.signal), { code: 'cancelled' });
  });
});
