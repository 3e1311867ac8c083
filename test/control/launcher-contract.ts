import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Clock } from '../../src/base/clock.ts';
import type { AgentLauncher } from '../../src/control/channel.ts';
import { START_TIMEOUT_MS } from '../../src/control/start-agent.ts';
import { hear } from './channel-contract.ts';
import { steppedClock } from './clocks.ts';

const never = new AbortController().signal;

/** Makes a launcher whose agent has the `mood`: see fake-agent.cjs. */
export type MakeLauncher = (mood?: string, options?: { readonly clock?: Clock }) => AgentLauncher;

/** What every launcher promises; see src/control/channel.ts. */
export function describeLauncher(name: string, launcher: MakeLauncher): void {
  void describe(`${name} as an AgentLauncher`, () => {
    void it('`launch` gives a channel to the agent when it has said hello', async () => {
      const { channel } = await launcher().launch('node07', never);
      const { messages, ended } = hear(channel);
      channel.send({ type: 'ping' });
      channel.send({ type: 'leave', emptySpool: false });
      assert.equal(await ended, undefined);
      assert.deepEqual(messages, [{ type: 'pong' }, { type: 'left' }]);
    });

    void it('`close` ends the agent without a failure', async () => {
      const { channel } = await launcher().launch('node07', never);
      const { ended } = hear(channel);
      channel.close();
      assert.equal(await ended, undefined);
    });

    void it('`onEnd` tells the exit code and the last words when the agent dies', async () => {
      const { channel } = await launcher('dies').launch('node07', never);
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
      await assert.rejects(launcher('crash').launch('node07', never), {
        code: 'unreachable',
        message: /node07: .*exit code 9; its last words: "fatal: no luck today"/,
      });
    });

    void it('`launch` rejects with `version` when the agent is of another one', async () => {
      await assert.rejects(launcher('other-version').launch('node07', never), {
        code: 'version',
        message: /its version is 0.0.1, wanted 1.2.3/,
      });
    });

    void it('`launch` rejects with `timeout` when the agent says nothing', async () => {
      const clock = steppedClock();
      const launch = launcher('mute', { clock }).launch('node07', never);
      clock.pass(START_TIMEOUT_MS);
      await assert.rejects(launch, { code: 'timeout', message: /node07: no answer within 60 s/ });
    });

    void it('`launch` rejects with `cancelled` when it is aborted', async () => {
      const abort = new AbortController();
      const launch = launcher('mute').launch('node07', abort.signal);
      abort.abort();
      await assert.rejects(launch, { code: 'cancelled' });
      await assert.rejects(launcher().launch('node07', abort.signal), { code: 'cancelled' });
    });
  });
}
