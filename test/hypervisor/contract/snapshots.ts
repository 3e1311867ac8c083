import assert from 'node:assert/strict';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { KgetError } from '../../../src/base/error.ts';
import type { SnapshotFigures, SnapshotRequest } from '../../../src/hypervisor/hypervisor.ts';
import type { HypervisorFixture } from './fixture.ts';
import { refuses } from './refusals.ts';

const MEBIBYTE = 2 ** 20;
const WRITTEN_BYTES = 8 * MEBIBYTE;
/** Copied beyond what is dirty: whole blocks of the bitmap, and what the guest writes meanwhile. */
const COPIED_OVER_DIRTY = 1.2;
const FREEZE_LIMIT_MS = 20_000;
const LONG_HOLD_MS = 60_000;
const SHORT_HOLD_MS = 1500;

/** Snapshots while the guest runs, and machines made from them. */
export function describeSnapshots(make: () => Promise<HypervisorFixture>): void {
  void describe('snapshots of a machine', () => {
    let fixture: HypervisorFixture;
    let directory = '';
    let counted = 0;
    before(async () => {
      fixture = await make();
      directory = await fixture.snapshotDirectory();
      await fixture.here.hypervisor.create(fixture.here.spec('vm'));
    });
    after(async () => fixture?.close());

    const begin = async (request: Partial<SnapshotRequest> = {}) =>
      fixture.here.hypervisor.beginSnapshot('vm', {
        directory,
        memory: false,
        leavePaused: false,
        full: false,
        ...request,
      });
    const take = async (request: Partial<SnapshotRequest> = {}): Promise<SnapshotFigures> =>
      (await begin(request)).finished;
    const write = async (bytes: number) => fixture.guest.write(fixture.here, 'vm', bytes);

    void it('`freeze` is false when no agent answers', async () => {
      await fixture.here.hypervisor.start('vm');
      const options = { limitMs: 50, holdMs: LONG_HOLD_MS };
      assert.equal(await fixture.here.hypervisor.freeze('vm', options), false);
      await fixture.guest.counterBeyond(fixture.here, 'vm', 1);
    });

    void it('`freeze` ends by itself when nobody thaws', async () => {
      const options = { limitMs: FREEZE_LIMIT_MS, holdMs: SHORT_HOLD_MS };
      assert.equal(await fixture.here.hypervisor.freeze('vm', options), true);
      await write(MEBIBYTE);
    });

    void it('`dirtyMap` is null when there was no snapshot', async () => {
      assert.equal(await fixture.here.hypervisor.dirtyMap('vm', 'root'), null);
    });

    void it('`beginSnapshot` copies the whole disk when it is the first', async () => {
      const { hypervisor } = fixture.here;
      const options = { limitMs: FREEZE_LIMIT_MS, holdMs: LONG_HOLD_MS };
      assert.equal(await hypervisor.freeze('vm', options), true);
      const underWay = await begin();
      await hypervisor.thaw('vm');
      await hypervisor.thaw('vm');
      const { disks, memoryBytes } = await underWay.finished;
      assert.equal(memoryBytes, 0);
      assert.deepEqual(
        disks.map(({ disk, mode }) => ({ disk, mode })),
        [{ disk: 'root', mode: 'full' }],
      );
      await fixture.checkFileSystem(join(directory, 'root.raw'));
      await write(MEBIBYTE);
    });

    void it('`dirtyMap` tells what was written when there was a snapshot', async (context) => {
      if (!fixture.can.dirtyMap) return context.skip('this driver keeps no bitmaps');
      const map = await fixture.here.hypervisor.dirtyMap('vm', 'root');
      assert.ok(map !== null && map.dirtyBytes >= MEBIBYTE, `${map?.dirtyBytes} bytes are dirty`);
      const marked = map.extents.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
      assert.equal(marked, map.dirtyBytes);
      let end = -1;
      for (const { offset, lengthBytes } of map.extents) {
        assert.ok(offset > end && lengthBytes > 0, 'ascending, and not touching');
        end = offset + lengthBytes;
      }
    });

    void it('`beginSnapshot` copies what is dirty when it is not the first', async (context) => {
      if (!fixture.can.dirtyMap) return context.skip('this driver keeps no bitmaps');
      await write(WRITTEN_BYTES);
      const options = { limitMs: FREEZE_LIMIT_MS, holdMs: LONG_HOLD_MS };
      // The guest need not stand still until all is ready.
      const whenReady = async (): Promise<void> => {
        assert.equal(await fixture.here.hypervisor.freeze('vm', options), true);
      };
      const underWay = await begin({ whenReady });
      await fixture.here.hypervisor.thaw('vm');
      const [figures] = (await underWay.finished).disks;
      assert.equal(figures?.mode, 'incremental', figures?.reason ?? '');
      assert.ok((figures.dirtyBytes ?? 0) >= WRITTEN_BYTES, `${figures.dirtyBytes} dirty`);
      const limit = (figures.dirtyBytes ?? 0) * COPIED_OVER_DIRTY;
      assert.ok(figures.copiedBytes <= limit, `${figures.copiedBytes} copied, not ${limit}`);
      await fixture.checkFileSystem(join(directory, 'root.raw'));
    });

    void it('`beginSnapshot` is given up when its caller thinks better of it', async () => {
      await assert.rejects(begin({ whenReady: ratherNot }), { code: 'cancelled' });
      await write(MEBIBYTE);
      const [figures] = (await take()).disks;
      // What was the latest snapshot still is.
      if (fixture.can.dirtyMap) assert.equal(figures?.mode, 'incremental', figures?.reason ?? '');
    });

    void it('`beginSnapshot` copies all when it is told to, or into another directory', async () => {
      const asked = await take({ full: true });
      assert.equal(asked.disks[0]?.mode, 'full');
      assert.equal(asked.disks[0]?.reason, null);
      if (!fixture.can.dirtyMap) return;
      const elsewhere = await take({ directory: await fixture.snapshotDirectory() });
      assert.equal(elsewhere.disks[0]?.mode, 'full');
      assert.match(elsewhere.disks[0]?.reason ?? '', /\w/);
    });

    void it('`exportDisk` gives a disk to be read, and takes it back', async (context) => {
      if (!fixture.can.exportDisk) return context.skip('this driver exports no disks');
      const { hypervisor } = fixture.here;
      const exported = await hypervisor.exportDisk('vm', 'root');
      assert.ok(exported.sizeBytes > 0);
      await write(MEBIBYTE);
      await exported.close();
      await exported.close();
      await write(MEBIBYTE);
      await assert.rejects(stat(exported.socketPath), { code: 'ENOENT' });
    });

    void it('`beginSnapshot` saves memory, and leaves the machine paused if asked to', async (context) => {
      if (!fixture.can.memory) return context.skip('this driver does not save memory');
      const { hypervisor } = fixture.here;
      directory = await fixture.snapshotDirectory();
      counted = await fixture.guest.counter(fixture.here, 'vm');
      const underWay = await begin({ memory: true, leavePaused: true });
      assert.equal((await hypervisor.look('vm')).state, 'paused');
      assert.ok(underWay.pausedMs >= 0);
      const { memoryBytes } = await underWay.finished;
      assert.ok(memoryBytes > 0);
      const files = (await readdir(directory)).filter((file) => !file.startsWith('.'));
      assert.deepEqual(files.sort(), ['memory', 'memory.json', 'root.raw']);
      await hypervisor.resume('vm');
      const now = await fixture.guest.counter(fixture.here, 'vm');
      await fixture.guest.counterBeyond(fixture.here, 'vm', now);
    });

    void it('`beginSnapshot` saves memory, and the machine goes on if not', async (context) => {
      if (!fixture.can.memory) return context.skip('this driver does not save memory');
      counted = await fixture.guest.counter(fixture.here, 'vm');
      const { finished } = await begin({ memory: true });
      assert.ok((await finished).memoryBytes > 0);
      assert.equal((await fixture.here.hypervisor.look('vm')).state, 'running');
      const now = await fixture.guest.counter(fixture.here, 'vm');
      await fixture.guest.counterBeyond(fixture.here, 'vm', now);
    });

    void it('`restore` refuses files that are no snapshot, and leaves nothing', async () => {
      const { hypervisor } = fixture.here;
      const root = join(directory, 'missing.raw');
      const spec = fixture.here.spec('restored');
      await refuses('corrupt', hypervisor.restore(spec, { disks: { root }, memory: null }));
      await refuses('corrupt', hypervisor.restore(spec, { disks: {}, memory: null }));
      await refuses('usage', hypervisor.look('restored'));
    });

    void it('`restore` makes a machine that goes on when there is memory', async (context) => {
      if (!fixture.can.memory) return context.skip('this driver does not save memory');
      await fixture.here.hypervisor.remove('vm');
      const host = fixture.there ?? fixture.here;
      const memory = {
        state: join(directory, 'memory'),
        description: join(directory, 'memory.json'),
      };
      const disks = { root: join(directory, 'root.raw') };
      await host.hypervisor.restore(host.spec('vm'), { disks, memory });
      assert.equal((await host.hypervisor.look('vm')).state, 'paused');
      await host.hypervisor.resume('vm');
      const first = await fixture.guest.counterBeyond(host, 'vm', counted - 1);
      assert.ok(first >= counted, 'the guest did not boot again');
      await fixture.guest.write(host, 'vm', MEBIBYTE);
      await host.hypervisor.remove('vm');
    });

    void it('`restore` makes a machine that boots when there is no memory', async () => {
      const host = fixture.there ?? fixture.here;
      await fixture.here.hypervisor.remove('vm');
      const disks = { root: join(directory, 'root.raw') };
      await host.hypervisor.restore(host.spec('vm'), { disks, memory: null });
      assert.equal((await host.hypervisor.look('vm')).state, 'defined');
      await host.hypervisor.remove('vm');
      assert.deepEqual(await host.leftovers(), []);
      assert.deepEqual(await fixture.here.leftovers(), []);
    });
  });
}

async function ratherNot(): Promise<void> {
  throw new KgetError('cancelled', 'rather not');
}
