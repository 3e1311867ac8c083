import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { constants, zstdCompressSync } from 'node:zlib';
import { snapshotIndexPath } from '../../src/catalogue/catalogue.ts';
import { openBlobIndex } from '../../src/content/blob-index.ts';
import { chunkFileOf } from '../../src/content/chunk-name.ts';
import { digestOf } from '../../src/content/digest.ts';
import type { ImageLanding } from '../../src/content/landing.ts';
import { compress, hasZstd } from '../../src/content/zstd.ts';
import { plainBytesOf } from '../../src/content/zstd-frame.ts';
import { chunkFiles } from '../../src/store/chunk-files.ts';
import { openStoreLanding } from '../../src/store/store-landing.ts';
import type { StorePlace } from '../../src/store/store-place.ts';
import { encodeDigestRuns } from '../../src/transfer/digest-runs.ts';
import { encodeFrame, Encoding, FrameType, writeHeader } from '../../src/transfer/frame.ts';
import { encodeMeta } from '../../src/transfer/payload.ts';
import { CHUNK, chunkOf, drawImage } from '../content/fixtures.ts';
import { exchange, newAuthority } from '../transfer/exchange.ts';
import { memoryImage } from '../transfer/memory.ts';
import { scripted } from '../transfer/scripted.ts';
import { makeStore, withWriter } from './fixtures.ts';

const authority = await newAuthority();
const skip = hasZstd ? false : 'this Node.js has no zstd';
/** A full chunk and a short one. */
const image = drawImage('ab', 99);
const full = chunkOf(image, 0);
const short = chunkOf(image, 1);
const snapshot = { run: 'r1', node: 'a1', name: 'disk.img' };
/** A frame that decompressors pass over. Source: RFC 8878, 3.1.2 */
const SKIPPED = Buffer.from('502a4d1804000000abababab', 'hex');

/** What a sender says of an image of two chunks, and then sends, whatever it is asked. */
interface Story {
  readonly sizeBytes: number;
  readonly digests: readonly Buffer[];
  readonly chunks: readonly { readonly position: number; readonly packed: Buffer }[];
}

/** Pulls into a store what a sender tells. */
async function pullInto(place: StorePlace, story: Story): Promise<string> {
  const { sizeBytes, digests, chunks } = story;
  const frames = [
    encodeFrame(FrameType.meta, encodeMeta({ sizeBytes, chunkSizeBytes: CHUNK })),
    encodeFrame(FrameType.index, encodeDigestRuns(Buffer.concat(digests))),
    ...chunks.map(packedFrame),
    encodeFrame(FrameType.done),
  ];
  let outcome = '';
  await withWriter(place, async (writer) => {
    await using run = await exchange(authority, memoryImage(image));
    await using sender = await scripted(authority, frames);
    let landing: ImageLanding | undefined;
    const pulled = run.pull({
      from: sender.from,
      land: async () => {
        landing = await openStoreLanding({
          place,
          writer,
          indexPath: snapshotIndexPath(place, snapshot),
          shape: { sizeBytes, chunkSizeBytes: CHUNK },
          title: 'the image',
          neededBytes: sizeBytes,
          level: 3,
        });
        return landing;
      },
    });
    const end = await pulled.outcome;
    if (end.state === 'failed') await landing?.abandon({ keepPart: true });
    else await landing?.finish();
    outcome = end.state === 'failed' ? `${end.blame}: ${end.error.code}` : end.state;
  });
  return outcome;
}

function packedFrame({ position, packed }: Story['chunks'][number]): Buffer {
  const frame = encodeFrame(FrameType.chunk, packed, position);
  writeHeader(frame, 0, {
    type: FrameType.chunk,
    encoding: Encoding.zstd,
    position,
    payloadBytes: packed.length,
  });
  return frame;
}

/** The image as the store gives it back. */
async function restored(place: StorePlace): Promise<Buffer> {
  const index = await openBlobIndex(snapshotIndexPath(place, snapshot));
  try {
    const reader = chunkFiles(place);
    const chunks = index
      .read(0, index.chunkCount)
      .map(({ digest, lengthBytes }) => reader.read({ digest, lengthBytes, algorithm: 'sha256' }));
    return Buffer.concat(await Promise.all(chunks));
  } finally {
    index.close();
  }
}

void suite('openStoreLanding', { skip }, () => {
  const lies: Record<string, Story> = {
    'a full chunk for a short one': {
      sizeBytes: image.length,
      digests: [digestOf(full), digestOf(full)],
      chunks: [{ position: 1, packed: compress(short) }],
    },
    'a short chunk for a full one': {
      sizeBytes: 2 * CHUNK,
      digests: [digestOf(short), digestOf(full)],
      chunks: [{ position: 0, packed: compress(full) }],
    },
  };
  for (const [lie, story] of Object.entries(lies)) {
    void test(`\`openStoreLanding\` makes no snapshot when a sender names ${lie}`, async (t) => {
      const { place, addSnapshot } = await makeStore(t);
      await addSnapshot({ run: 'r0', image });
      assert.equal(await pullInto(place, story), 'source: corrupt');
      assert.equal(existsSync(snapshotIndexPath(place, snapshot)), false);
    });
  }

  const frame = compress(full);
  const frames: Record<string, Buffer> = {
    'with something before it': Buffer.concat([SKIPPED, frame]),
    'in two pieces': Buffer.concat(
      [full.subarray(0, 9), full.subarray(9)].map((it) => compress(it)),
    ),
    'of no known length': zstdCompressSync(full, {
      params: { [constants.ZSTD_c_contentSizeFlag]: 0 },
    }),
  };
  for (const [name, packed] of Object.entries(frames)) {
    void test(`\`openStoreLanding\` can give back what came as a frame ${name}`, async (t) => {
      const { place } = await makeStore(t);
      const chunks = [
        { position: 0, packed },
        { position: 1, packed: compress(short) },
      ];
      const digests = [digestOf(full), digestOf(short)];
      assert.equal(await pullInto(place, { sizeBytes: image.length, digests, chunks }), 'arrived');
      assert.ok((await restored(place)).equals(image));
      const kept = readFileSync(chunkFileOf(place.chunks, digestOf(full)));
      assert.equal(plainBytesOf(kept), full.length);
    });
  }
});
