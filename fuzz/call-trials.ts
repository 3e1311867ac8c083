/** Calls to host agents, and what they answer. */
import assert from 'node:assert/strict';
import { KgetError } from '../src/base/error.ts';
import {
  answerCalls,
  answerMessage,
  caller,
  callMessage,
  type AnswerMessage,
  type CallMessage,
  type Handlers,
} from '../src/control/calls.ts';
import { HOST_CALLS, type HostCalls } from '../src/control/host-calls.ts';
import { memoryPair } from '../src/control/memory-channel.ts';
import { decodeMessage, encodeMessage } from '../src/control/message-lines.ts';
import { CALL_NAMES, HOST_CALL_SAMPLES } from './host-call-samples.ts';
import type { Trial } from './target.ts';

const FAILURE = { code: 'no-room', message: 'full' } as const;

const CALLS: readonly CallMessage[] = [
  ...CALL_NAMES.map((name, id): CallMessage => {
    return { type: 'call', id, name, request: HOST_CALL_SAMPLES[name][0] };
  }),
  { type: 'abort', id: 3 },
  { type: 'ping' },
  { type: 'leave' },
];

const ANSWERS: readonly AnswerMessage[] = [
  ...CALL_NAMES.map((name, id): AnswerMessage => {
    return { type: 'result', id, result: HOST_CALL_SAMPLES[name][1] };
  }),
  { type: 'hello', version: '0.1.0', nodeVersion: 'v26.10.0', address: '10.0.0.2' },
  { type: 'failure', id: 3, failure: FAILURE },
  { type: 'pong' },
  { type: 'notice', text: 'a stranger was refused' },
];

export function callSamples(): Buffer[] {
  return CALLS.map(encodeMessage);
}

export function answerSamples(): Buffer[] {
  return ANSWERS.map(encodeMessage);
}

/** A call is done once, with a request that is one, or refused; and the agent goes on. */
export async function tryCall(input: Buffer): Promise<void> {
  const call = settled(input, callMessage);
  const begun: string[] = [];
  const [here, there] = pair();
  const left = answerCalls({ channel: there, table: HOST_CALLS, handlers: handlersFor(begun) });
  const answers: AnswerMessage[] = [];
  here.onMessage((answer) => answers.push(answer));
  here.send(call);
  here.send({ type: 'ping' });
  here.send({ type: 'leave' });
  await left;
  const results = answers.filter(({ type }) => type === 'result' || type === 'failure');
  const refusal = results.find((answer) => answer.type === 'failure');
  assert.equal(results.length, call.type === 'call' ? 1 : 0);
  assert.equal(begun.length, call.type === 'call' && refusal === undefined ? 1 : 0);
  if (call.type === 'call') assert.ok(results.every((answer) => idOf(answer) === call.id));
  if (refusal?.type === 'failure')
    throw new KgetError(refusal.failure.code, refusal.failure.message);
}

/** Notes what is begun, and checks that it was asked for in the shape that it has. */
function handlersFor(begun: string[]): Handlers<HostCalls> {
  const handlers = CALL_NAMES.map((name) => [
    name,
    async (request: unknown) => {
      begun.push(name);
      const parsed = HOST_CALLS[name].request.safeParse(JSON.parse(JSON.stringify(request)));
      assert.deepEqual(parsed.data, request);
      return HOST_CALL_SAMPLES[name][1];
    },
  ]);
  return Object.fromEntries(handlers) as Handlers<HostCalls>;
}

function idOf(answer: AnswerMessage): number | undefined {
  return 'id' in answer ? answer.id : undefined;
}

/** Whatever an agent answers to whatever was asked, the caller learns of it: once, and in time. */
export async function tryAnswer(input: Buffer, { dice }: Trial): Promise<void> {
  const answer = settled(input, answerMessage);
  const [here, there] = pair();
  const notices: string[] = [];
  const near = caller({
    channel: here,
    table: HOST_CALLS,
    clock: { nowMs: () => 0, sleep: () => Promise.withResolvers<void>().promise },
    peer: 'the host agent on node1',
    onNotice: (text) => notices.push(text),
  });
  // The call that the sample answers, mostly; its number is 0.
  const fitting = answer.type === 'result' ? CALL_NAMES[answer.id] : undefined;
  const name = dice.oneIn(4) || fitting === undefined ? dice.pick(CALL_NAMES) : fitting;
  const call = near.call(name, HOST_CALL_SAMPLES[name][0], { limitMs: 1000 });
  const outcome = Promise.allSettled([call]);
  there.send('id' in answer && !dice.oneIn(8) ? { ...answer, id: 0 } : answer);
  there.close();
  const [found] = await outcome;
  assert.equal(notices.length, answer.type === 'notice' ? 1 : 0);
  if (found.status === 'rejected') throw found.reason;
  const again = HOST_CALLS[name].result.safeParse(JSON.parse(JSON.stringify(found.value)));
  assert.deepEqual(again.data, found.value);
}

function pair() {
  return memoryPair<CallMessage, AnswerMessage>({
    here: { schema: answerMessage, peer: 'the host agent on node1' },
    there: { schema: callMessage, peer: 'the coordinator' },
  });
}

/** A message that was taken; sent again it must be taken as the same. */
function settled<Message>(
  input: Buffer,
  schema: Parameters<typeof decodeMessage<Message>>[1]['schema'],
): Message {
  const read = (line: Buffer) => decodeMessage(line.toString('utf8'), { schema, peer: 'a peer' });
  const message = read(input);
  const line = encodeMessage(message);
  assert.ok(encodeMessage(read(line)).equals(line));
  return message;
}
