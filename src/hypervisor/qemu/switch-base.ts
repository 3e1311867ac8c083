import { existsSync } from 'node:fs';
import * as z from 'zod/mini';
import { KgetError } from '../../base/error.ts';
import type { LocalBase } from '../hypervisor.ts';
import { baseNode, overlayNode, RECONNECT_SECONDS } from './disk-arguments.ts';
import { allNodes } from './jobs.ts';
import { writeRecord, type Machine } from './machine.ts';
import { ownDisks } from './places.ts';
import { processOf } from './process.ts';
import { QmpRefusal, type Qmp } from './qmp.ts';

/** A disk is changed between two reads, and one may still wait for an NBD server that is gone. */
const REOPEN_LIMIT_MS = RECONNECT_SECONDS * 1000 + 20_000;

const status = z.object({ status: z.string() });

/**
 * Has a disk start from a file that holds the same bytes as what it started from: an image that has
 * arrived meanwhile. Can be done again if it was broken off. @throws KgetError `usage`
 */
export async function switchBase(machine: Machine, disk: string, to: LocalBase): Promise<void> {
  const { host, places, record, title } = machine;
  const own = ownDisks(record.spec).find(({ name }) => name === disk);
  if (own === undefined) throw new KgetError('usage', `${title} has no disk "${disk}" of its own`);
  if (!existsSync(to.path)) {
    throw new KgetError('usage', `Cannot base disk "${disk}" of ${title} on ${to.path}: no file`);
  }
  if (record.bases[disk] !== undefined) return;
  if (processOf(places) !== undefined) {
    await host.sessions.use({ path: places.control, title }, async (qmp) => {
      const found = status.parse(await qmp.execute('query-status'));
      if (found.status === 'postmigrate') {
        // QEMU has given up its disks, and takes them back only when the guest goes on.
        const advice = 'its memory was saved and it has not gone on since; resume it first';
        throw new KgetError('usage', `Cannot change disk "${disk}" of ${title}: ${advice}`);
      }
      await reopen(qmp, own.node, to);
      // Its reads are tried again, now from the file; it may have come to stand still just now.
      const now = status.parse(await qmp.execute('query-status'));
      if (now.status === 'io-error') await qmp.execute('cont');
    });
  }
  await writeRecord(places, { ...record, bases: { ...record.bases, [disk]: to } });
}

async function reopen(qmp: Qmp, node: string, to: LocalBase): Promise<void> {
  const local = `${node}-local`;
  const former = `${node}-base`;
  const there = new Set((await allNodes(qmp)).map((it) => it.node));
  if (!there.has(local)) {
    await qmp.execute('blockdev-add', { ...baseNode(local, { kind: 'file', ...to }) });
  }
  const options = [{ ...overlayNode(node, local), file: `${node}-file` }];
  try {
    await qmp.execute('blockdev-reopen', { options }, { limitMs: REOPEN_LIMIT_MS });
  } catch (error) {
    // Without an answer it may have been done, and the file be in use.
    if (error instanceof QmpRefusal) await qmp.execute('blockdev-del', { 'node-name': local });
    throw error;
  }
  if (there.has(former)) await qmp.execute('blockdev-del', { 'node-name': former });
}
