import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  answerMessage,
  callMessage,
  type AnswerMessage,
  type CallMessage,
} from '../../src/control/calls.ts';
import { memoryPair } from '../../src/control/memory-channel.ts';
import { SILENCE_LIMIT_MS } from '../../src/host/silence.ts';
import { runHost } from '../../src/host/host.ts';
import { busyClock } from './busy-clock.ts';
import { FACTS } from './fixture.ts';

function startAgent() {
  const clock = busyClock();
  const stop = new AbortController();
  const [here, there] = memoryPair<CallMessage, AnswerMessage>({
    here: { schema: answerMessage, peer: 'the host agent' },
    there: { schema: callMessage, peer: 'the coordinator' },
  });
  const answers: AnswerMessage[] = [];
  here.onMessage((answer) => void answers.push(answer));
  const gone = runHost({
    channel: there,
    clock,
    facts: FACTS,
    callerAddress: null,
    defaultDirectory: '/nonexistent',
    hypervisors: { qemu: () => assert.fail('no machines'), libvirt: () => assert.fail() },
    openCache: async () => assert.fail('no cache'),
    stop: stop.signal,
  });
  return { clock, stop, here, answers, gone };
}

void suite('host agent: coming and going', () => {
  void test('`runHost` ends when it is told to leave', async () => {
    const { here, gone } = startAgent();
    here.send({ type: 'leave' });
    await gone;
  });

  void test('`runHost` ends when it is stopped', async () => {
    const { stop, gone } = startAgent();
    stop.abort();
    await gone;
  });

  void test('`runHost` ends when the coordinator has been silent for too long', async () => {
    const { clock, gone } = startAgent();
    await gone;
    assert.equal(clock.nowMs(), SILENCE_LIMIT_MS);
  });

  void test('`runHost` stays while the coordinator says something now and then', async () => {
    const { clock, here, answers, gone } = startAgent();
    for (let pings = 0; pings < 10; pings += 1) {
      here.send({ type: 'ping' });
      await clock.sleep(SILENCE_LIMIT_MS / 2);
    }
    await gone;
    assert.equal(answers.filter(({ type }) => type === 'pong').length, 10);
    assert.ok(clock.nowMs() >= 5 * SILENCE_LIMIT_MS);
  });

  void test('calls before `configure` are refused', async () => {
    const { here, answers, gone } = startAgent();
    here.send({ type: 'call', id: 0, name: 'look', request: { job: null } });
    await gone;
    const [answer] = answers;
    assert.equal(answer?.type, 'failure');
    assert.match(JSON.stringify(answer), /wanted the call .*configure.* first/);
  });
});
