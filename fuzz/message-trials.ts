import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import {
  type HolderMessage,
  holderMessage,
  type VisitorMessage,
  visitorMessage,
} from '../src/agent/attach-point.ts';
import { type Failure, KgetError } from '../src/base/error.ts';
import { decodeMessage, encodeMessage, type MessageSchema } from '../src/control/message-lines.ts';
import { messageReader } from '../src/control/message-reader.ts';
import {
  type AgentMessage,
  agentMessage,
  type CoordinatorMessage,
  coordinatorMessage,
} from '../src/control/messages.ts';
import type { Dice } from './dice.ts';
import { mutateBytes } from './mutate-bytes.ts';
import { mutateJson } from './mutate-json.ts';
import { piecesOf } from './pieces.ts';
import type { Trial } from './target.ts';

const IMAGE = { id: 'node1:/vm/disk', node: 'node1', path: '/vm/disk', sizeBytes: 2048 };
const FAILURE = { code: 'no-room', message: 'full' } as const;

const CONFIGURE = {
  type: 'configure',
  node: 'node1',
  runId: '20261122T093000Z-4f2a11',
  chunkSizeBytes: 65_536,
  identity: { certificate: 'c', key: 'k', authority: 'a' },
  targetKey: '0011223344556677',
  spoolDirectory: null,
  uploadBytesPerSecond: null,
  downloadBytesPerSecond: 1.5e6,
  orphanMs: 0,
  stallMs: 15_000,
  silenceMs: 60_000,
} as const;

const TO_AGENT: readonly CoordinatorMessage[] = [
  { ...CONFIGURE, target: null },
  { ...CONFIGURE, target: { layout: 'files', directory: '/srv/images' } },
  { ...CONFIGURE, target: { layout: 'store', directory: '/srv', run: 'r', level: 5 } },
  { type: 'find', patterns: ['/vm/*.img', '/vm/**/{a,b}'] },
  {
    type: 'receive',
    transfer: 't1',
    image: IMAGE,
    neededBytes: 1024,
    from: { node: 'node2', host: '10.0.0.2', port: 4711 },
  },
  { type: 'cancel', transfer: 't1' },
  { type: 'drop', image: IMAGE.id },
  { type: 'ping' },
  { type: 'leave', emptySpool: true },
];

const FROM_AGENT: readonly AgentMessage[] = [
  { type: 'hello', version: '0.1.0', nodeVersion: 'v26.10.0', address: null },
  {
    type: 'ready',
    port: 4711,
    roomBytes: 1e12,
    linkBytesPerSecond: 1.25e8,
    spooled: [IMAGE],
    seeded: ['node1/disk'],
    warnings: ['a seed was ignored'],
  },
  { type: 'unfit', failure: FAILURE },
  {
    type: 'found',
    images: [{ path: '/vm/disk', sizeBytes: 2048, allocatedBytes: 1024 }],
    problems: [{ pattern: '/vm/x*', failure: FAILURE }],
  },
  {
    type: 'scanned',
    path: '/vm/disk',
    dataBytes: 1,
    imageDigest: 'ab'.repeat(32),
    sketch: { chunks: 9, hashes: [1, 5, 2e9] },
  },
  { type: 'scanning', path: '/vm/disk', scannedBytes: 4096 },
  { type: 'scan-failed', path: '/vm/disk', failure: FAILURE },
  { type: 'receiving', transfer: 't1', wireBytes: 10, doneBytes: 20 },
  { type: 'arrived', transfer: 't1', wireBytes: 10 },
  {
    type: 'received',
    transfer: 't1',
    wireBytes: 10,
    chunks: 3,
    dataBytes: 9,
    imageDigest: 'ab'.repeat(32),
  },
  { type: 'receive-failed', transfer: 't1', blame: 'link', failure: FAILURE },
  { type: 'pong' },
  { type: 'notice', text: 'a stranger was refused' },
  { type: 'left' },
];

const TO_HOLDER: readonly VisitorMessage[] = [{ type: 'make-way' }, ...TO_AGENT];

const FROM_HOLDER: readonly HolderMessage[] = [
  {
    type: 'holding',
    processId: 4711,
    build: '0123456789abcdef',
    runId: '20261122T093000Z-4f2a11',
    chunkSizeBytes: 65_536,
  },
  ...FROM_AGENT,
];

export function coordinatorSamples(): Buffer[] {
  return TO_AGENT.map(encodeMessage);
}

export function agentSamples(): Buffer[] {
  return FROM_AGENT.map(encodeMessage);
}

/** What agents of other versions understand, too, is there as often as all the rest. */
export function visitorSamples(): Buffer[] {
  return moreOfFirst(TO_HOLDER);
}

export function holderSamples(): Buffer[] {
  return moreOfFirst(FROM_HOLDER);
}

function moreOfFirst(messages: readonly unknown[]): Buffer[] {
  return messages.flatMap((message) => [messages[0], message]).map(encodeMessage);
}

export function tryVisitorMessage(input: Buffer): void {
  tryMessage(input, visitorMessage);
}

export function tryHolderMessage(input: Buffer): void {
  tryMessage(input, holderMessage);
}

export function tryCoordinatorMessage(input: Buffer): void {
  tryMessage(input, coordinatorMessage);
}

export function tryAgentMessage(input: Buffer): void {
  tryMessage(input, agentMessage);
}

/** What was taken and is sent again must be taken as the same. */
function tryMessage(input: Buffer, schema: MessageSchema<unknown>): void {
  const read = (line: Buffer) => decodeMessage(line.toString('utf8'), { schema, peer: 'a peer' });
  const settled = encodeMessage(read(input));
  assert.ok(encodeMessage(read(settled)).equals(settled));
}

/** Some messages of an agent, one of them or the stream itself changed. */
export function mutateMessages(samples: readonly Buffer[], dice: Dice): Buffer {
  const messages = Array.from({ length: 1 + dice.below(6) }, () => dice.pick(samples));
  if (dice.oneIn(3)) return mutateBytes([Buffer.concat(messages)], dice);
  if (dice.oneIn(4)) return Buffer.concat(messages);
  const changed = Buffer.from(mutateJson(samples, dice));
  messages.splice(dice.below(messages.length), 1, changed);
  return Buffer.concat(messages);
}

/** A reader of messages must deliver what stands before the first bad line, and then end once. */
export async function tryMessageStream(input: Buffer, { dice }: Trial): Promise<void> {
  const delivered: AgentMessage[] = [];
  const ends: (Failure | undefined)[] = [];
  const [alreadyRead = Buffer.alloc(0), ...pieces] = piecesOf(input, dice);
  const reader = messageReader<AgentMessage>(
    {
      readable: Readable.from(pieces, { objectMode: false }),
      schema: agentMessage,
      peer: 'a peer',
      ...(alreadyRead.length > 0 ? { alreadyRead } : {}),
    },
    (failure) => {
      ends.push(failure);
    },
  );
  const most = dice.oneIn(4) ? dice.below(3) : Infinity;
  reader.start((message) => {
    assert.equal(ends.length, 0, 'a message came behind the end');
    delivered.push(message);
    if (delivered.length > most) reader.stop();
  });
  const wanted = messagesIn(input);
  for (let turns = 0; ends.length === 0 && delivered.length <= most; turns += 1) {
    assert.ok(turns < 1000, 'the stream has ended, and the reader does not say so');
    await turn();
  }
  assert.deepEqual(delivered, wanted.messages.slice(0, most + 1));
  if (delivered.length > most) return;
  assert.equal(ends.length, 1);
  assert.equal(ends[0]?.code, wanted.code);
  if (ends[0] !== undefined) throw new KgetError(ends[0].code, ends[0].message);
}

/** What a stream holds: plainly, for comparison. */
function messagesIn(input: Buffer): { messages: AgentMessage[]; code: string | undefined } {
  const messages: AgentMessage[] = [];
  let start = 0;
  for (let end = input.indexOf(10); end >= 0; end = input.indexOf(10, start)) {
    const line = input.toString('utf8', start, end);
    try {
      messages.push(decodeMessage(line, { schema: agentMessage, peer: 'a peer' }));
    } catch {
      return { messages, code: 'protocol' };
    }
    start = end + 1;
  }
  return { messages, code: start < input.length ? 'disconnected' : undefined };
}
