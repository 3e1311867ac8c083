import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { snapshotIndexPath } from '../../src/catalogue/catalogue.ts';
import { openBlobIndex } from '../../src/content/blob-index.ts';
import { createChunkCache } from '../../src/nbd/chunk-cache.ts';
import { serveNbd } from '../../src/nbd/serve-nbd.ts';
import { snapshotDisk } from '../../src/nbd/snapshot-disk.ts';
import { chunkFiles } from '../../src/store/chunk-files.ts';
import { temporaryDirectory } from '../content/fixtures.ts';
import { makeStore } from '../store/fixtures.ts';

const QEMU = 'qemu-system-x86_64';
const SECTOR = 512;
const BOOT_LIMIT_MS = 60_000;
/** What isa-debug-exit makes of the 0x10 that the guest writes: 2 x value + 1. */
const GUEST_IS_DONE = 33;

const skip = [QEMU, 'qemu-img'].find(
  (program) => spawnSync(program, ['--version']).error !== undefined,
);

/**
 * A disk whose boot sector reads one sector far away through the BIOS, and sends what it says to
 * the serial port; then it writes that sector back.
 */
function bootableDisk(message: string): Buffer {
  const far = 6000;
  const packet = [0x10, 0, 1, 0, 0x00, 0x80, 0, 0, far % 256, Math.floor(far / 256)];
  const code = [
    [0xfa, 0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0, 0xbc, 0x00, 0x7c, 0xfb], // set up
    [0xbe, 0x40, 0x7c, 0xb4, 0x42, 0xcd, 0x13, 0x72, 0x20], // read a sector to 0x8000, or halt
    [0xbe, 0x00, 0x80, 0xac, 0x84, 0xc0, 0x74, 0x06, 0xba, 0xf8, 0x03, 0xee, 0xeb, 0xf5], // send
    [0xbe, 0x40, 0x7c, 0xb2, 0x80, 0xb8, 0x00, 0x43, 0xcd, 0x13, 0x72, 0x06], // write it back
    [0xb0, 0x10, 0xba, 0xf4, 0x00, 0xee], // end the machine
    [0xf4, 0xeb, 0xfd], // halt
  ].flat();
  const disk = Buffer.alloc(8 * 1024 * 1024);
  disk.set(code);
  disk.set(packet, 0x40);
  disk.set([0x55, 0xaa], SECTOR - 2);
  disk.write(message, far * SECTOR);
  return disk;
}

void test(
  'a guest boots from a snapshot over NBD, and writes to its overlay',
  {
    skip: skip === undefined ? false : `${skip} is not installed`,
  },
  async (t) => {
    const { place, addSnapshot } = await makeStore(t);
    const snapshot = { run: 'r1', node: 'a1', name: 'disk.img' };
    const chunkSizeBytes = 128 * 1024;
    await addSnapshot({ ...snapshot, image: bootableDisk('booted from chunks'), chunkSizeBytes });
    const directory = temporaryDirectory(t);
    const socket = join(directory, 'disk.sock');
    const cache = createChunkCache({ chunks: chunkFiles(place), maxBytes: 1024 * 1024 });
    const indexPath = snapshotIndexPath(place, snapshot);
    const server = await serveNbd({
      listen: { kind: 'unix', path: socket },
      exports: {
        names: () => ['disk'],
        open: async () => snapshotDisk({ index: await openBlobIndex(indexPath), cache }),
      },
      onNotice: (text) => assert.fail(text),
    });
    t.after(() => server.close());

    const overlay = join(directory, 'overlay.qcow2');
    const backing = `nbd+unix:///?socket=${socket}`;
    // Our server is in this process: it must go on while the programs run.
    assert.equal(
      await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', backing, overlay]),
      0,
    );
    const serial = join(directory, 'serial');
    const words = [
      ['-machine', 'pc,accel=tcg', '-m', '16', '-display', 'none', '-monitor', 'none'],
      ['-nodefaults', '-no-reboot', '-device', 'isa-debug-exit,iobase=0xf4,iosize=4'],
      ['-serial', `file:${serial}`, '-drive', `file=${overlay},format=qcow2,if=ide`],
    ].flat();
    const ended = await run(QEMU, words);
    assert.equal(ended, GUEST_IS_DONE);
    assert.equal(readFileSync(serial, 'latin1'), 'booted from chunks');
  },
);

async function run(program: string, words: readonly string[]): Promise<number | null> {
  const child = spawn(program, words, { stdio: 'inherit', timeout: BOOT_LIMIT_MS });
  const [code] = (await once(child, 'close')) as [number | null];
  return code;
}
