import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assert as check, asyncProperty, shuffledSubarray } from 'fast-check';
import { ERROR_CODES, KgetError, type ErrorCode } from '../../src/base/error.ts';
import {
  answerCalls,
  MAX_CALLS,
  MAX_LIMIT_MS,
  type AnswerMessage,
  type CallMessage,
} from '../../src/control/calls.ts';
import { answerer, callOver, callPair, channels, TABLE } from './call-pair.ts';
import { hear } from './channel-contract.ts';
import { steppedClock } from './clocks.ts';

const LIMIT_MS = 5000;
const terms = { limitMs: LIMIT_MS };
const withCode = (code: ErrorCode, words = /./) => ({ name: 'KgetError', code, message: words });

/** Lets everything happen that needs nothing but microtasks. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/** A caller whose answers the test writes. */
function callOfTest() {
  const [here, far] = channels();
  const clock = steppedClock();
  return { near: callOver(here, { clock }), far, heard: hear(far), clock };
}

/** An answering side whose calls the test writes. */
function answerToTest(more?: Parameters<typeof answerer>[0]) {
  const [here, far] = channels();
  const { handlers, begun } = answerer(more);
  const left = answerCalls({ channel: far, table: TABLE, handlers });
  return { here, left, begun, heard: hear<CallMessage, AnswerMessage>(here) };
}

function throwsAtOnce(): never {
  throw new TypeError('a fault');
}

/** A handler whose result may be none. */
function resultOf(result: unknown): () => Promise<{ text: string }> {
  return () => Promise.resolve(result as { text: string });
}

void test('`call` resolves with the result of its own call when answers come in any order', async () => {
  await check(
    asyncProperty(shuffledSubarray([...Array(20).keys()], { minLength: 20 }), async (order) => {
      const turns = new Map(order.map((number) => [String(number), Promise.withResolvers<void>()]));
      const { near } = callPair(
        answerer({
          async echo(request) {
            await turns.get(request.text)?.promise;
            return request;
          },
        }),
      );
      const calls = order.toSorted((one, other) => one - other).map(String);
      const results = calls.map((text) => near.call('echo', { text }, terms));
      for (const number of order) {
        turns.get(String(number))?.resolve();
        await settled();
      }
      assert.deepEqual(
        await Promise.all(results),
        calls.map((text) => ({ text })),
      );
    }),
    { numRuns: 20 },
  );
});

for (const code of ERROR_CODES) {
  void test(`\`call\` throws \`${code}\` when its handler does`, async () => {
    const echo = () => Promise.reject(new KgetError(code, 'so it is'));
    const { near } = callPair(answerer({ echo }));
    await assert.rejects(near.call('echo', { text: '' }, terms), withCode(code, /^so it is$/));
  });
}

void test('`call` throws `internal` when its handler throws something else, at once', async () => {
  const { near } = callPair(answerer({ echo: throwsAtOnce }));
  await assert.rejects(near.call('echo', { text: '' }, terms), withCode('internal', /^a fault$/));
});

void test('`call` throws `internal` when the result cannot be sent', async () => {
  const { near } = callPair(answerer({ echo: resultOf({ text: 1n }) }));
  await assert.rejects(near.call('echo', { text: '' }, terms), withCode('internal', /BigInt/));
  assert.equal(near.ended.aborted, false);
});

for (const name of ['nothing', 'toString', '__proto__', 'constructor', 'x'.repeat(10_000)]) {
  void test(`\`answerCalls\` refuses "${name.slice(0, 20)}" when there is no such call`, async () => {
    const { here, heard } = answerToTest();
    here.send({ type: 'call', id: 7, name, request: {} });
    await settled();
    const [answer] = heard.messages;
    assert.ok(answer?.type === 'failure' && answer.id === 7);
    assert.equal(answer.failure.code, 'protocol');
    assert.match(answer.failure.message, /there is no such call$/);
    assert.ok(answer.failure.message.length < 200);
  });
}

void test('`answerCalls` refuses a request when it is none, and goes on', async () => {
  const { near } = callPair();
  const bad = { text: 7 } as unknown as { text: string };
  await assert.rejects(near.call('echo', bad, terms), withCode('protocol', /Cannot do "echo"/));
  assert.deepEqual(await near.call('echo', { text: 'a' }, terms), { text: 'a' });
});

void test('`call` throws `protocol` when the result is none', async () => {
  const { near } = callPair(answerer({ echo: resultOf({}) }));
  const wanted = /^Cannot use the answer of node07 to "echo": [^\n]*text/;
  await assert.rejects(near.call('echo', { text: '' }, terms), withCode('protocol', wanted));
});

void test('`call` tells the other side to stop when its limit runs out', async () => {
  const far = answerer();
  const { near, clock } = callPair(far);
  const call = near.call('wait', {}, terms);
  await settled();
  assert.equal(far.begun[0]?.aborted, false);
  clock.pass(LIMIT_MS);
  await assert.rejects(call, withCode('timeout', /node07: no answer to "wait" within 5 s/));
  await settled();
  assert.equal(far.begun[0].aborted, true);
});

void test('`call` passes a late answer over when its limit ran out', async () => {
  const { near, far, clock } = callOfTest();
  const late = near.call('echo', { text: 'a' }, terms);
  clock.pass(LIMIT_MS);
  await assert.rejects(late, withCode('timeout'));
  const next = near.call('echo', { text: 'b' }, { limitMs: 2 * LIMIT_MS });
  far.send({ type: 'result', id: 0, result: { text: 'a' } });
  far.send({ type: 'result', id: 1, result: { text: 'b' } });
  assert.deepEqual(await next, { text: 'b' });
});

void test('`call` waits no longer than timers can when its limit is longer', async () => {
  const { near, clock } = callOfTest();
  const call = near.call('wait', {}, { limitMs: Infinity });
  clock.pass(MAX_LIMIT_MS);
  await assert.rejects(call, withCode('timeout'));
});

void test('`call` tells the other side to stop when its signal is aborted', async () => {
  const far = answerer();
  const { near } = callPair(far);
  const stop = new AbortController();
  const call = near.call('wait', {}, { ...terms, signal: stop.signal });
  await settled();
  stop.abort();
  await assert.rejects(call, withCode('cancelled', /Stopped "wait" of node07/));
  await settled();
  assert.equal(far.begun[0]?.aborted, true);
});

void test('`call` says nothing to the other side when its signal was aborted before', async () => {
  const { near, heard } = callOfTest();
  const call = near.call('wait', {}, { ...terms, signal: AbortSignal.abort() });
  await assert.rejects(call, withCode('cancelled'));
  await settled();
  assert.deepEqual(heard.messages, []);
});

void test('`call` throws `disconnected` when the channel ends, and ever after', async () => {
  const { near, far } = callOfTest();
  const calls = Array.from({ length: 3 }, () => near.call('wait', {}, terms));
  far.close();
  for (const call of calls) await assert.rejects(call, withCode('disconnected', /Lost node07/));
  assert.equal(near.ended.aborted, true);
  await assert.rejects(near.call('wait', {}, terms), withCode('disconnected', /it is gone/));
});

void test('`ended` is aborted when calls learn of the end', async () => {
  const { near, far } = callOfTest();
  const call = near.call('wait', {}, terms).catch(() => near.ended.aborted);
  far.close();
  assert.equal(await call, true);
});

void test('`call` throws `disconnected` when the other side speaks something else', async () => {
  const { near, far } = callOfTest();
  const call = near.call('wait', {}, terms);
  far.send({ type: 'resultat', id: 0 } as unknown as AnswerMessage);
  await assert.rejects(call, withCode('disconnected', /Cannot read a message of node07/));
});

void test('`call` throws `internal` when too many calls are under way', async () => {
  const { near, far } = callOfTest();
  const calls = Array.from({ length: MAX_CALLS }, () => near.call('wait', {}, terms));
  await assert.rejects(near.call('wait', {}, terms), withCode('internal', /1024 calls/));
  far.send({ type: 'result', id: 5, result: {} });
  await calls[5];
  const next = near.call('wait', {}, terms);
  far.close();
  for (const call of [...calls.toSpliced(5, 1), next]) {
    await assert.rejects(call, withCode('disconnected'));
  }
});

void test('`answerCalls` refuses calls when too many are under way', async () => {
  const { here, begun, heard } = answerToTest();
  for (let id = 0; id <= MAX_CALLS; id += 1) {
    here.send({ type: 'call', id, name: 'wait', request: {} });
  }
  await settled();
  assert.equal(begun.length, MAX_CALLS);
  const [answer] = heard.messages;
  assert.ok(answer?.type === 'failure' && answer.id === MAX_CALLS);
  assert.equal(answer.failure.code, 'protocol');
});

void test('`answerCalls` refuses a call when one of that number is under way', async () => {
  const { here, begun, heard } = answerToTest();
  here.send({ type: 'call', id: 1, name: 'wait', request: {} });
  here.send({ type: 'call', id: 1, name: 'wait', request: {} });
  await settled();
  assert.equal(begun.length, 1);
  assert.equal(heard.messages.length, 1);
  here.send({ type: 'abort', id: 1 });
  await settled();
  assert.deepEqual(heard.messages[1], { type: 'result', id: 1, result: {} });
});

void test('`answerCalls` answers a ping when calls are under way', async () => {
  const { here, heard } = answerToTest();
  here.send({ type: 'call', id: 0, name: 'wait', request: {} });
  here.send({ type: 'ping' });
  here.send({ type: 'abort', id: 99 });
  await settled();
  assert.deepEqual(heard.messages, [{ type: 'pong' }]);
});

void test('`answerCalls` stops what is under way when it is told to leave, and answers it', async () => {
  const { here, left, begun, heard } = answerToTest();
  here.send({ type: 'call', id: 0, name: 'wait', request: {} });
  here.send({ type: 'leave' });
  await left;
  assert.equal(begun[0]?.aborted, true);
  assert.equal(await heard.ended, undefined);
  assert.deepEqual(heard.messages, [{ type: 'result', id: 0, result: {} }]);
});

void test('`answerCalls` begins nothing when it was told to leave', async () => {
  const turn = Promise.withResolvers<void>();
  const { here, left, begun } = answerToTest({
    async echo(request) {
      await turn.promise;
      return request;
    },
  });
  here.send({ type: 'call', id: 0, name: 'echo', request: { text: '' } });
  here.send({ type: 'leave' });
  here.send({ type: 'call', id: 1, name: 'wait', request: {} });
  await settled();
  turn.resolve();
  await left;
  assert.deepEqual(begun, []);
});

void test('`answerCalls` stops what is under way when its caller is gone', async () => {
  const { here, left, begun } = answerToTest();
  here.send({ type: 'call', id: 0, name: 'wait', request: {} });
  await settled();
  here.close();
  await left;
  assert.equal(begun[0]?.aborted, true);
});

void test('`close` ends both sides in order, and calls under way', async () => {
  const { near, left } = callPair();
  const call = near.call('wait', {}, terms);
  near.close();
  await assert.rejects(call, withCode('disconnected'));
  await left;
});

void test('`onNotice` gets what the other side has to say', async () => {
  const { notices, far } = callPair();
  far.send({ type: 'notice', text: 'a stranger was refused' });
  await settled();
  assert.deepEqual(notices, ['a stranger was refused']);
});
