import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { KgetError } from '../../src/base/error.ts';
import { countUses } from '../../src/nbd/disk-uses.ts';
import { NBD_LIMITS } from '../../src/nbd/limits.ts';
import { negotiate } from '../../src/nbd/negotiate.ts';
import {
  readClientFlags,
  readInfoRequest,
  readMetaContextRequest,
  readOptionHeader,
} from '../../src/nbd/option-data.ts';
import { readRequest, refusal } from '../../src/nbd/request.ts';
import { transmit } from '../../src/nbd/transmit.ts';
import type { Wire } from '../../src/nbd/wire.ts';
import { connectClient, contextData, encodeOption, encodeRequest, infoData } from './client.ts';
import { memoryDisk, memoryExports, sampleBytes } from './memory-disk.ts';
import { startServer, transmitting } from './server.ts';

const SIZE = 70_000;
const LIMITS = { ...NBD_LIMITS, requestsInFlight: 3, bytesInFlight: 100_000 };

/** Says what it was given, then ends. Keeps what was written. */
function memoryWire(input: Buffer): Wire & { readonly written: Buffer[] } {
  const written: Buffer[] = [];
  let at = 0;
  return {
    written,
    read: (count) => {
      const bytes = input.subarray(at, at + count);
      at += bytes.length;
      return Promise.resolve(bytes.length === count ? bytes : undefined);
    },
    write: (pieces) => {
      written.push(...pieces.map((piece) => Buffer.from(piece)));
      return Promise.resolve();
    },
    isClosed: () => false,
  };
}

/** Values that lie near the edges of what is allowed. */
const nearby = fc.oneof(
  fc.nat(SIZE + 10),
  fc.constantFrom(0, 1, 65_536, 65_537, SIZE, 2 ** 25, 2 ** 25 + 1, 2 ** 31, 2 ** 32 - 1),
);
const name = fc.constantFrom('', 'vda', 'vdb', 'x'.repeat(4097));
const query = fc.constantFrom('base:', 'base:allocation', 'qemu:', '', ':');
const data = fc.oneof(
  fc.constant(Buffer.alloc(0)),
  fc.tuple(name, fc.array(fc.nat(5), { maxLength: 4 })).map(([it, types]) => infoData(it, types)),
  fc.tuple(name, fc.array(query, { maxLength: 3 })).map(([it, all]) => contextData(it, all)),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
);
const option = fc.tuple(fc.nat(11), data).map(([type, bytes]) => encodeOption(type, bytes));
const request = fc
  .record({
    type: fc.nat(9),
    flags: fc.oneof(fc.constant(0), fc.nat(16)),
    cookie: fc.maxSafeNat(),
    offset: fc.oneof(nearby, fc.bigInt(0n, 2n ** 64n - 1n)),
    length: nearby,
  })
  .map(encodeRequest);

/** Messages, some of them damaged, cut off or preceded by garbage. */
function stream(message: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> {
  const damage = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), byte: fc.nat(255) });
  return fc
    .tuple(
      fc.array(fc.oneof({ weight: 9, arbitrary: message }, garbage), { maxLength: 12 }),
      fc.option(damage),
      fc.nat(8),
    )
    .map(([messages, damaged, cutBytes]) => {
      const bytes = Buffer.concat(messages);
      if (damaged !== null && bytes.length > 0) {
        bytes[Math.floor(damaged.at * (bytes.length - 1))] = damaged.byte;
      }
      return bytes.subarray(0, Math.max(0, bytes.length - (cutBytes === 8 ? 5 : 0)));
    });
}

const garbage = fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes));

function exactly(length: number): fc.Arbitrary<Buffer> {
  return fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => Buffer.from(bytes));
}

async function protocolOrNothing(action: () => unknown): Promise<void> {
  try {
    await action();
  } catch (error) {
    assert.ok(error instanceof KgetError, String(error));
    assert.equal(error.code, 'protocol');
  }
}

void test('the decoders throw `protocol` and nothing else when bytes are arbitrary', () => {
  const agreement = { sizeBytes: SIZE, replies: 'structured', hasAllocation: true } as const;
  return fc.assert(
    fc.asyncProperty(
      exactly(4),
      exactly(16),
      fc.oneof(data, garbage),
      fc.oneof(exactly(28), request),
      async (flags, head, payload, message) => {
        await protocolOrNothing(() => readClientFlags(flags));
        await protocolOrNothing(() => readOptionHeader(head));
        await protocolOrNothing(() => refusal(readRequest(message), agreement));
        readInfoRequest(payload);
        readMetaContextRequest(payload);
      },
    ),
    { numRuns: 500 },
  );
});

void test('`negotiate` ends and holds no disk when options are arbitrary', () =>
  fc.assert(
    fc.asyncProperty(
      stream(option),
      fc.constantFrom('none', 'offered', 'required', 'active'),
      fc.boolean(),
      async (input, tls, isFixedNewstyle) => {
        const exports = memoryExports({ vda: () => memoryDisk(sampleBytes(SIZE)) });
        const uses = countUses({ exports, onNotice: assert.fail });
        const flags = { isFixedNewstyle, wantsNoZeroes: true };
        await protocolOrNothing(async () => {
          const outcome = await negotiate(memoryWire(input), { uses, flags, tls });
          if (outcome.kind !== 'transmit') return;
          assert.notEqual(tls, 'required');
          assert.ok(outcome.use.disk.sizeBytes === SIZE);
          outcome.use.release();
        });
        await uses.closed();
        assert.ok(exports.opened.every((disk) => !disk.isOpen));
      },
    ),
    { numRuns: 500 },
  ));

void test('`transmit` ends, and answers each request once, when requests are arbitrary', () =>
  fc.assert(
    fc.asyncProperty(
      stream(request),
      fc.constantFrom('simple', 'structured'),
      fc.boolean(),
      async (input, replies, hasAllocation) => {
        const asked = requestsIn(input);
        fc.pre(new Set(asked.map(({ cookie }) => cookie)).size === asked.length);
        const disk = memoryDisk(sampleBytes(SIZE), 512);
        const wire = memoryWire(input);
        const ends: string[] = [];
        await transmit({
          wire,
          disk,
          replies,
          hasAllocation: hasAllocation && replies === 'structured',
          limits: LIMITS,
          onNotice: (text) => assert.fail(text),
          onGoodbye: () => ends.push('goodbye'),
          onViolation: (error) => {
            assert.ok(error instanceof KgetError && error.code === 'protocol', String(error));
            ends.push('violation');
          },
        });
        assert.equal(ends.length, 1);
        assert.equal(disk.underWay, 0);
        const cookies = answered(Buffer.concat(wire.written), asked, disk.bytes);
        assert.deepEqual(cookies.toSorted(), asked.map(({ cookie }) => cookie).toSorted());
      },
    ),
    { numRuns: 500 },
  ));

void test('`serveNbd` goes on and closes all disks when clients send anything', async (t) => {
  const exports = memoryExports({ vda: () => memoryDisk(sampleBytes(SIZE)) });
  const server = await startServer(t, exports);
  const enter = encodeOption(7, infoData('vda'));
  const messages = fc.oneof(
    stream(option),
    stream(request).map((bytes) => Buffer.concat([enter, bytes])),
  );
  await fc.assert(
    fc.asyncProperty(messages, async (input) => {
      const client = await connectClient(server.address);
      client.socket.end(input);
      await client.ended();
    }),
    { numRuns: 100 },
  );
  await transmitting(server, 'structured');
});

interface Asked {
  readonly cookie: string;
  readonly offset: number;
  readonly length: number;
}

/** Whole requests, with what they write, up to a goodbye or what is none. */
function requestsIn(input: Buffer): Asked[] {
  const all: Asked[] = [];
  for (let at = 0; at + 28 <= input.length;) {
    const type = input.readUInt16BE(at + 6);
    const length = input.readUInt32BE(at + 24);
    const offset = Number(input.readBigUInt64BE(at + 16));
    if (input.readUInt32BE(at) !== 0x25609513 || type === 2) break;
    const cookie = input.toString('hex', at + 8, at + 16);
    at += 28;
    if (type === 1 && (length > 2 ** 25 || at + length > input.length)) break;
    if (type === 1) at += length;
    all.push({ cookie, offset, length });
  }
  return all;
}

/** The cookies of replies that are complete, after a comparison of their data with the disk. */
function answered(output: Buffer, asked: readonly Asked[], disk: Buffer): string[] {
  const cookies: string[] = [];
  for (let at = 0; at < output.length;) {
    const cookie = output.toString('hex', at + 8, at + 16);
    if (output.readUInt32BE(at) === 0x67446698) {
      const isRead = output.readUInt32BE(at + 4) === 0;
      cookies.push(cookie);
      at += 16;
      const { offset, length } = asked.find((it) => it.cookie === cookie) ?? assert.fail(cookie);
      if (!isRead) continue;
      assert.ok(output.subarray(at, at + length).equals(disk.subarray(offset, offset + length)));
      at += length;
      continue;
    }
    assert.equal(output.readUInt32BE(at), 0x668e33ef);
    if (output.readUInt16BE(at + 4) === 1) cookies.push(cookie);
    const body = output.subarray(at + 20, at + 20 + output.readUInt32BE(at + 16));
    if (output.readUInt16BE(at + 6) === 1) {
      const offset = Number(body.readBigUInt64BE(0));
      assert.ok(body.subarray(8).equals(disk.subarray(offset, offset + body.length - 8)));
    }
    at += 20 + body.length;
  }
  return cookies;
}
