import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { createWriteBehind } from '../../src/content/write-behind.ts';
import { temporaryDirectory } from '../control/temporary.ts';

const CHUNK_BYTES = 4096;

void suite('write-behind', () => {
  void test('`write` puts every chunk in its place, in whatever order they come', async () => {
    const path = join(temporaryDirectory(), 'file');
    const order = fc.uniqueArray(fc.nat({ max: 300 }), { minLength: 1, maxLength: 200 });
    await fc.assert(
      fc.asyncProperty(order, async (positions) => {
        const fd = openSync(path, 'w');
        const writes = createWriteBehind({ fd, chunkSizeBytes: CHUNK_BYTES });
        const reused = Buffer.alloc(CHUNK_BYTES);
        for (const position of positions) {
          writes.write(reused.fill((position % 255) + 1), position * CHUNK_BYTES);
        }
        await writes.idle();
        closeSync(fd);
        const contents = readFileSync(path);
        for (const position of positions) {
          const chunk = contents.subarray(position * CHUNK_BYTES, (position + 1) * CHUNK_BYTES);
          assert.ok(chunk.equals(Buffer.alloc(CHUNK_BYTES, (position % 255) + 1)));
        }
      }),
      { numRuns: 30 },
    );
  });

  void test('`write` takes more than it has buffers for', async () => {
    const path = join(temporaryDirectory(), 'file');
    const fd = openSync(path, 'w');
    const writes = createWriteBehind({ fd, chunkSizeBytes: 4 * 1024 * 1024 });
    const chunk = Buffer.alloc(4 * 1024 * 1024, 7);
    for (let place = 0; place < 4; place += 1) writes.write(chunk, place * chunk.length);
    await writes.idle();
    closeSync(fd);
    assert.equal(readFileSync(path).length, 4 * chunk.length);
  });

  void test('`onWritten` tells of each chunk once it can be read, also when buffers ran out', async () => {
    const path = join(temporaryDirectory(), 'file');
    const fd = openSync(path, 'w+');
    const chunkSizeBytes = 1024 * 1024;
    const told: number[] = [];
    const onWritten = (offset: number): void => {
      told.push(offset / chunkSizeBytes);
      const contents = readFileSync(path).subarray(offset, offset + chunkSizeBytes);
      assert.ok(contents.equals(Buffer.alloc(chunkSizeBytes, offset / chunkSizeBytes + 1)));
    };
    const writes = createWriteBehind({ fd, chunkSizeBytes, onWritten });
    for (let place = 0; place < 9; place += 1) {
      writes.write(Buffer.alloc(chunkSizeBytes, place + 1), place * chunkSizeBytes);
    }
    await writes.idle();
    closeSync(fd);
    assert.deepEqual(
      told.toSorted((a, b) => a - b),
      [0, 1, 2, 3, 4, 5, 6, 7, 8],
    );
  });

  void test('`idle` and the next `write` tell why an earlier write failed', async () => {
    const path = join(temporaryDirectory(), 'file');
    closeSync(openSync(path, 'w'));
    const fd = openSync(path, 'r');
    const writes = createWriteBehind({ fd, chunkSizeBytes: CHUNK_BYTES });
    writes.write(Buffer.alloc(CHUNK_BYTES), 0);
    await assert.rejects(writes.idle(), /EBADF/);
    assert.throws(() => writes.write(Buffer.alloc(CHUNK_BYTES), 0), /EBADF/);
    closeSync(fd);
  });
});
