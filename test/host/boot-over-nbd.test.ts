import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { systemClock } from '../../src/base/system-clock.ts';
import type { DeployedFile, WantedVm } from '../../src/control/host-calls.ts';
import { processesOf } from '../../src/host/processes-of.ts';
import { builtSource } from '../../src/machine-image/image-source.ts';
import type { StoredImage } from '../../src/machine-image/images.ts';
import { storeImage } from '../../src/machine-image/store-image.ts';
import { storePlace } from '../../src/store/store-place.ts';
import { createAuthority } from '../../src/transfer/identity.ts';
import { buildRecipe } from '../machine-image/build-setup.ts';
import { missingTools } from '../machine-image/guest.ts';
import { MEBIBYTE } from './fixture.ts';
import { startRealAgent, type RealAgent } from './real-agent.ts';
import { untilFound, VM } from './real-machine.ts';

const LIMIT_MS = 280_000;
const TINY = readFileSync(join(import.meta.dirname, '../../recipes/tiny/recipe.yaml'), 'utf8');

/** Reads a file from the disk, not from memory, again and again. */
const READER = `
while :; do
  echo 3 > /proc/sys/vm/drop_caches
  md5sum /bin/busybox
  sleep 0.2
done`;

interface Store {
  readonly directory: string;
  readonly image: StoredImage;
}

async function tinyStore(directory: string): Promise<Store> {
  const built = await buildRecipe({ text: TINY, directory: join(directory, 'build') });
  const place = storePlace(join(directory, 'store'));
  const { stored } = await storeImage({
    place,
    source: builtSource(built, TINY),
    tags: [],
    run: '20260131T120000Z-000001',
    startedAt: new Date(),
    command: [],
    signal: AbortSignal.timeout(LIMIT_MS),
    clock: systemClock,
  });
  return { directory: place.directory, image: stored };
}

/** A part of the image, as calls name it, and where its index is. */
function partOf({ directory, image }: Store, role: 'disk' | 'kernel' | 'initramfs') {
  const part = image.image.parts.find((it) => it.role === role) ?? assert.fail(role);
  const file: DeployedFile = { digest: part.digest, sizeBytes: part.sizeBytes };
  return { file, store: directory, indexPath: image.indexPathOf(part) };
}

async function bring(front: RealAgent, node: RealAgent, part: ReturnType<typeof partOf>) {
  await front.call('serve-stored', part);
  const from = { node: 'front', host: '127.0.0.1', port: front.port };
  await node.call('fetch', { file: part.file, from });
}

function wantedFrom(store: Store, nbdUrl: string): WantedVm {
  const { image } = store.image;
  assert.ok(image.boot.kind === 'kernel' && image.format === 'qcow2');
  return {
    name: VM,
    job: 'real',
    arch: 'x86_64',
    cpus: 1,
    memoryBytes: 128 * MEBIBYTE,
    network: 'none',
    boot: {
      kind: 'kernel',
      kernel: partOf(store, 'kernel').file,
      initramfs: partOf(store, 'initramfs').file,
      commandLine: image.boot.commandLine,
    },
    disk: { file: partOf(store, 'disk').file, format: 'qcow2', nbdUrl },
    task: {
      command: READER,
      environment: {},
      timeLimitSeconds: null,
      outputs: [],
      inputs: null,
      outputRoomBytes: MEBIBYTE,
    },
  };
}

/** What the guest has read so far. */
async function sums(node: RealAgent): Promise<string[]> {
  const { text } = await node.call('log', { vm: VM, source: 'command', offset: 0 });
  return text.split('\n').slice(0, -1);
}

async function readsOn(node: RealAgent, times: number): Promise<void> {
  const { logBytes: before } = await untilFound(node, () => true);
  const line = 'd41d8cd98f00b204e9800998ecf8427e  /bin/busybox\n'.length;
  await untilFound(node, ({ logBytes }) => logBytes >= before + times * line);
}

async function cut(node: RealAgent, name: string) {
  await node.call('snapshot', { vm: VM, memory: false, full: false });
  await node.call('thaw', { vm: VM });
  const { disks } = await node.call('finish-snapshot', { vm: VM, cut: name });
  await node.call('drop-cut', { cut: name });
  return disks[0]?.mode;
}

async function switches(
  directory: string,
  start: (node: string, hypervisor: 'qemu' | 'none') => Promise<RealAgent>,
): Promise<void> {
  const store = await tinyStore(directory);
  const disk = partOf(store, 'disk');
  const front = await start('front', 'none');
  const node = await start('node', 'qemu');
  for (const role of ['kernel', 'initramfs'] as const) {
    await bring(front, node, partOf(store, role));
  }
  const { port, exportName } = await front.call('serve-disk', disk);
  assert.deepEqual(await front.call('serve-disk', disk), { port, exportName });
  const wanted = wantedFrom(store, `nbd://127.0.0.1:${port}/${exportName}`);
  await node.call('create', wanted);
  await node.call('start', { vm: VM });
  await readsOn(node, 2);
  assert.deepEqual(await node.call('present', { files: [disk.file] }), { digests: [] });
  await assert.rejects(node.call('switch-base', { vm: VM }), /1 of its files are not on node/);
  assert.equal(await cut(node, 'c1'), 'full');

  assert.equal(await front.leave(), 0);
  const still = await untilFound(node, ({ state }) => state !== 'running');
  assert.equal(still.state, 'paused', 'a guest that lacks its disk waits');
  const again = await start('front', 'none');
  await bring(again, node, disk);
  assert.equal(await again.leave(), 0);
  for (const _ of ['once', 'again']) await node.call('switch-base', { vm: VM });
  await untilFound(node, ({ state }) => state === 'running');
  await readsOn(node, 3);
  const { wanted: now } = await node.call('describe', { vm: VM });
  assert.equal(now?.disk.nbdUrl, null);
  assert.equal(await cut(node, 'c2'), 'incremental');
  assert.equal(new Set(await sums(node)).size, 1, 'it has read the same bytes each time');

  await node.call('stop', { vm: VM });
  await node.call('start', { vm: VM });
  await readsOn(node, 1);
  assert.deepEqual(await node.call('clean', { job: 'real' }), { removed: [VM] });
  assert.equal(await node.leave(), 0);
}

void suite('a machine that boots over NBD', { skip: missingTools(), timeout: LIMIT_MS }, () => {
  void test('`switch-base` has a guest go on from the file when the server is gone', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'kgh-'));
    const over = new AbortController();
    try {
      const authority = await createAuthority(new Date());
      await switches(directory, (node, hypervisor) => {
        const place = join(directory, node);
        return startRealAgent({
          node,
          directory: place,
          authority,
          hypervisor,
          signal: over.signal,
        });
      });
      assert.deepEqual(processesOf(directory), []);
    } finally {
      over.abort();
      for (const pid of processesOf(directory)) process.kill(pid, 'SIGKILL');
      if (existsSync(directory)) rmSync(directory, { recursive: true, force: true });
    }
  });
});
