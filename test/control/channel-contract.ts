import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Failure } from '../../src/base/error.ts';
import type { AgentChannel, Channel, CoordinatorChannel } from '../../src/control/channel.ts';
import { MAX_LINE_BYTES, MAX_QUEUED_BYTES } from '../../src/control/message-lines.ts';

/** Both ends of a channel, open. */
export interface OpenChannel {
  readonly coordinator: CoordinatorChannel;
  readonly agent: AgentChannel;
}

/** What came out of one end of a channel. */
export interface Heard<In> {
  readonly messages: In[];
  readonly ends: (Failure | undefined)[];
  readonly ended: Promise<Failure | undefined>;
}

/** Listens at one end of a channel from now on. */
export function hear<Out, In>(channel: Channel<Out, In>): Heard<In> {
  const messages: In[] = [];
  const ends: (Failure | undefined)[] = [];
  channel.onMessage((message) => messages.push(message));
  const ended = new Promise<Failure | undefined>((resolve) => {
    channel.onEnd((failure) => {
      ends.push(failure);
      resolve(failure);
    });
  });
  return { messages, ends, ended };
}

const text = (content: string) => ({ type: 'notice', text: content }) as const;
/** Is not cut, as notices are. */
const hello = (nodeVersion: string) =>
  ({ type: 'hello', version: '1', nodeVersion, address: null }) as const;
const numbered = (count: number) => Array.from({ length: count }, (_, index) => text(`${index}`));

/** The contract of `Channel`, for any implementation of it. */
export function channelContract(name: string, open: () => OpenChannel): void {
  void describe(`Channel (${name})`, () => {
    void it('`send` delivers in order when both sides listen', async () => {
      const { coordinator, agent } = open();
      const [atCoordinator, atAgent] = [hear(coordinator), hear(agent)];
      for (const message of numbered(500)) agent.send(message);
      agent.send({ type: 'left' });
      agent.close();
      assert.equal(await atCoordinator.ended, undefined);
      assert.equal(await atAgent.ended, undefined);
      assert.deepEqual(atCoordinator.messages, [...numbered(500), { type: 'left' }]);
    });

    void it('`send` reaches the agent when the coordinator closes at once', async () => {
      const { coordinator, agent } = open();
      const atAgent = hear(agent);
      const atCoordinator = hear(coordinator);
      coordinator.send({ type: 'ping' });
      coordinator.send({ type: 'leave', emptySpool: true });
      coordinator.close();
      assert.equal(await atAgent.ended, undefined);
      assert.equal(await atCoordinator.ended, undefined);
      assert.deepEqual(atAgent.messages, [{ type: 'ping' }, { type: 'leave', emptySpool: true }]);
    });

    void it('`onMessage` gets what came before it when it is set late', async () => {
      const { coordinator, agent } = open();
      hear(agent);
      for (const message of numbered(20)) agent.send(message);
      agent.close();
      await new Promise(setImmediate);
      const { messages, ended } = hear(coordinator);
      assert.equal(await ended, undefined);
      assert.deepEqual(messages, numbered(20));
    });

    void it('`send` keeps a message whole when it is long or full of odd characters', async () => {
      const { coordinator, agent } = open();
      const { messages, ended } = hear(coordinator);
      hear(agent);
      const odd = 'line\nfeed\r\u2028 "quotes" \\ \0 ünïcödé 𝄞';
      const said = [text(odd), hello(odd.repeat(20_000))];
      for (const message of said) agent.send(message);
      agent.close();
      await ended;
      assert.deepEqual(messages, said);
    });

    void it('`onEnd` is called once at each end when both close twice', async () => {
      const { coordinator, agent } = open();
      const [atCoordinator, atAgent] = [hear(coordinator), hear(agent)];
      for (const channel of [coordinator, agent, coordinator, agent]) channel.close();
      await Promise.all([atCoordinator.ended, atAgent.ended]);
      coordinator.send({ type: 'ping' });
      agent.send({ type: 'pong' });
      await new Promise(setImmediate);
      assert.deepEqual([atCoordinator.ends, atAgent.ends], [[undefined], [undefined]]);
      assert.deepEqual([atCoordinator.messages, atAgent.messages], [[], []]);
    });

    void it('`onMessage` is not called any more when its own end was closed', async () => {
      const { coordinator, agent } = open();
      const seen: unknown[] = [];
      hear(agent);
      coordinator.onMessage((message) => {
        seen.push(message);
        coordinator.close();
      });
      const ended = new Promise((resolve) => coordinator.onEnd(resolve));
      for (const message of numbered(10)) agent.send(message);
      assert.equal(await ended, undefined);
      assert.deepEqual(seen, numbered(1));
    });

    void it('`onEnd` tells `protocol` when a message does not fit the schema', async () => {
      const { coordinator, agent } = open();
      const [atCoordinator, atAgent] = [hear(coordinator), hear(agent)];
      agent.send({ type: 'pong' });
      agent.send({ type: 'notice', text: 7 } as never);
      agent.send({ type: 'pong' });
      assert.equal((await atCoordinator.ended)?.code, 'protocol');
      assert.deepEqual(atCoordinator.messages, [{ type: 'pong' }]);
      agent.close();
      await atAgent.ended;
    });

    void it('`send` ends the channel with `disconnected` when the other side does not read', async () => {
      const { coordinator, agent } = open();
      const { ended } = hear(agent);
      const long = text('x'.repeat(MAX_LINE_BYTES - 100));
      for (let sent = 0; sent <= MAX_QUEUED_BYTES; sent += MAX_LINE_BYTES) agent.send(long);
      assert.equal((await ended)?.code, 'disconnected');
      const atCoordinator = hear(coordinator);
      coordinator.close();
      await atCoordinator.ended;
    });

    void it('`send` ends the channel with `protocol` when a message is too long', async () => {
      const { coordinator, agent } = open();
      const [atCoordinator, atAgent] = [hear(coordinator), hear(agent)];
      agent.send(text('x'.repeat(MAX_LINE_BYTES)));
      assert.equal((await atAgent.ended)?.code, 'protocol');
      await atCoordinator.ended;
      assert.deepEqual(atCoordinator.messages, []);
    });
  });
}
