import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Failure } from '../../src/base/error.ts';
import type { AgentChannel, LaunchedAgent } from '../../src/control/channel.ts';
import { memoryChannelPair } from '../../src/control/memory-channel.ts';
import type { Configuration } from '../../src/control/messages.ts';
import { createCrew, type CrewOptions } from '../../src/coordinator/crew.ts';
import { idleClock } from './idle-clock.ts';
import { READY } from './cluster.ts';

const CONFIGURATION: Configuration = {
  type: 'configure',
  node: 'node1',
  runId: 'test',
  chunkSizeBytes: 4096,
  identity: { certificate: '', key: '', authority: '' },
  targetKey: 'key',
  spoolDirectory: null,
  target: null,
  uploadBytesPerSecond: null,
  downloadBytesPerSecond: null,
  stallMs: 15_000,
  silenceMs: 60_000,
  orphanMs: 0,
};

/** A crew whose agents are in the hands of a test. */
function crewOf(changes: Partial<CrewOptions> = {}) {
  const clock = idleClock();
  const agents: AgentChannel[] = [];
  const lost: Failure[] = [];
  const crew = createCrew({
    launch: async (node): Promise<LaunchedAgent> => {
      const { coordinator, agent } = memoryChannelPair();
      agents.push(agent);
      return await Promise.resolve({ channel: coordinator, address: node });
    },
    clock,
    silenceMs: () => 20_000,
    configuration: () => Promise.resolve(CONFIGURATION),
    onMessage: () => {},
    onLost: (_, failure) => lost.push(failure),
    ...changes,
  });
  return { clock, agents, lost, crew };
}

/** Resolves when `done` says so, at some turn of the event loop. */
async function until(done: () => boolean): Promise<void> {
  while (!done()) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

void suite('createCrew', () => {
  void test('`start` ends an agent for which no configuration can be made', async () => {
    const { crew, agents, lost } = crewOf({
      configuration: () => Promise.reject(new Error('no entropy')),
    });
    crew.start('node1');
    await until(() => agents.length > 0);
    let hasEnded = false;
    agents[0]?.onMessage(() => {});
    agents[0]?.onEnd(() => (hasEnded = true));
    await until(() => hasEnded);
    assert.match(lost[0]?.message ?? '', /no entropy/);
    await crew.disband({ emptySpools: false });
  });

  void test('`onLost` is called once, and the agent told to leave, when it falls silent', async () => {
    const { crew, agents, lost, clock } = crewOf();
    const heard: string[] = [];
    let hasEnded = false;
    crew.start('node1');
    await until(() => agents.length > 0);
    const [agent] = agents;
    agent?.onMessage((message) => heard.push(message.type));
    agent?.onEnd(() => (hasEnded = true));
    agent?.send(READY);
    await until(() => hasEnded);
    assert.deepEqual(
      lost.map(({ code }) => code),
      ['timeout'],
    );
    assert.equal(heard.at(-1), 'leave');
    assert.ok(clock.nowMs() <= 20_000, `${clock.nowMs()} ms`);
    await crew.disband({ emptySpools: false });
    assert.equal(lost.length, 1);
  });

  void test('`onLost` is not called while an agent answers, if only just', async () => {
    const { crew, agents, lost, clock } = crewOf();
    crew.start('node1');
    await until(() => agents.length > 0);
    const [agent] = agents;
    let pings = 0;
    agent?.onEnd(() => {});
    agent?.onMessage((message) => {
      if (message.type === 'leave') agent.close();
      if (message.type !== 'ping') return;
      pings += 1;
      if (pings % 3 === 0) agent.send({ type: 'pong' });
    });
    await until(() => clock.nowMs() > 600_000);
    assert.deepEqual(lost, []);
    await crew.disband({ emptySpools: false });
  });

  void test('`send` reaches an agent that was asked back before the old one had ended', async () => {
    // An agent ends when the test says so, as the process of one may take a while to.
    const ends: (() => void)[] = [];
    const onEnd = (listener: () => void): void => void ends.push(listener);
    const { crew, agents } = crewOf({
      launch: async (node) => {
        const { coordinator, agent } = memoryChannelPair();
        agents.push(agent);
        return await Promise.resolve({ channel: { ...coordinator, onEnd }, address: node });
      },
    });
    const heard: string[] = [];
    crew.start('node1');
    await until(() => ends.length === 1);
    crew.start('node1');
    await until(() => ends.length === 2);
    agents[1]?.onEnd(() => {});
    agents[1]?.onMessage((message) => heard.push(message.type));
    ends[0]?.();
    crew.send('node1', { type: 'drop', image: 'x' });
    await until(() => heard.includes('drop'));
    ends[1]?.();
    await crew.disband({ emptySpools: false });
  });

  void test('`disband` waits no longer than its limits when an agent does not leave', async () => {
    // The channel never says that it has ended, as that of a process that cannot be killed.
    const { crew, clock, agents } = crewOf({
      launch: async (node) => {
        const { coordinator, agent } = memoryChannelPair();
        agents.push(agent);
        return await Promise.resolve({
          channel: { ...coordinator, onEnd: () => {}, close: () => {} },
          address: node,
        });
      },
    });
    crew.start('node1');
    await until(() => agents.length > 0);
    await until(() => clock.nowMs() > 0);
    const startMs = clock.nowMs();
    await crew.disband({ emptySpools: true });
    assert.ok(clock.nowMs() - startMs <= 25_000, `${clock.nowMs() - startMs} ms`);
  });
});
