import { existsSync } from 'node:fs';
import { KgetError } from '../../base/error.ts';
import { baseNode, overlayNode } from './disk-arguments.ts';
import { writeRecord, type Machine } from './machine.ts';
import { ownDisks } from './places.ts';
import { processOf } from './process.ts';

export interface LocalBase {
  readonly path: string;
  readonly format: 'raw' | 'qcow2';
}

/**
 * Has a disk start from a file that holds the same bytes as what it started from: an image that has
 * arrived meanwhile. The guest does not notice. @throws KgetError `usage`
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
    const local = `${own.node}-local`;
    await host.sessions.use({ path: places.control, title }, async (qmp) => {
      await qmp.execute('blockdev-add', { ...baseNode(local, { kind: 'file', ...to }) });
      const options = [{ ...overlayNode(own.node, local), file: `${own.node}-file` }];
      try {
        await qmp.execute('blockdev-reopen', { options });
      } catch (error) {
        await qmp.execute('blockdev-del', { 'node-name': local });
        throw error;
      }
      await qmp.execute('blockdev-del', { 'node-name': `${own.node}-base` });
    });
  }
  await writeRecord(places, { ...record, bases: { ...record.bases, [disk]: to } });
}
