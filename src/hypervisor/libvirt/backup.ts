import { KgetError } from '../../base/error.ts';
import type { DriverContext } from './context.ts';
import type { Domain, DomainDisk } from './domains.ts';
import { withXmlFile } from './machines.ts';
import { element, formatXml, type XmlElement } from './xml.ts';
import { virshFailure, type VirshAnswer } from './virsh.ts';

/** Numbers of virDomainJobType: libvirt-domain.h. */
const JOB_NONE = 0;
/** Its end is not known: backups that are read by somebody. */
const JOB_UNBOUNDED = 2;
const JOB_COMPLETED = 3;

const JOB_INTERVAL_MS = 100;

/** Copying a disk: 1 TiB at 50 MB/s. */
const BACKUP_LIMIT_MS = 6 * 3_600_000;

/** How often what is left of a job is looked at until it is gone. */
const ABORT_ROUNDS = 100;

/** Where a disk's data goes: into a file, or, over NBD, to whoever reads; null: nowhere. */
export type BackupTarget =
  | { readonly kind: 'file'; readonly path: string; readonly format: 'raw' | 'qcow2' }
  | { readonly kind: 'export'; readonly scratch: string; readonly bitmap: string | null }
  | null;

export interface Backup {
  readonly name: string;
  readonly disks: readonly { readonly disk: DomainDisk; readonly target: BackupTarget }[];
  /** Only what was written since this checkpoint; null for everything. */
  readonly since: string | null;
  /** A checkpoint that is made at the same moment; null for none. */
  readonly checkpoint: string | null;
  /** For `export`. */
  readonly socket: string | null;
}

/** Begins a backup; the moment of it is when this resolves. Refusals are answers. */
export async function beginBackup(context: DriverContext, backup: Backup): Promise<VirshAnswer> {
  const { name, checkpoint } = backup;
  // Incremental backups go into the files that are there.
  const reuse = backup.since !== null && backup.socket === null ? ['--reuse-external'] : [];
  return withXmlFile(context, `${name}.backup`, formatXml(backupXml(backup)), async (path) => {
    const words = ['backup-begin', name, path];
    if (checkpoint === null) return context.virsh.attempt([...words, ...reuse]);
    const text = formatXml(checkpointXml(checkpoint, backup));
    return withXmlFile(context, `${name}.checkpoint`, text, (file) =>
      context.virsh.attempt([...words, file, ...reuse]),
    );
  });
}

/** https://libvirt.org/formatbackup.html */
function backupXml({ disks, since, socket }: Backup): XmlElement {
  return element('domainbackup', { mode: socket === null ? 'push' : 'pull' }, [
    since === null ? undefined : element('incremental', {}, [since]),
    socket === null ? undefined : element('server', { transport: 'unix', socket }),
    element(
      'disks',
      {},
      disks.map(({ disk, target }) => {
        if (target === null) return element('disk', { name: disk.target, backup: 'no' });
        const common = { name: disk.target, backup: 'yes', type: 'file' };
        if (target.kind === 'file') {
          return element('disk', common, [
            element('driver', { type: target.format }),
            element('target', { file: target.path }),
          ]);
        }
        const exported = { exportname: disk.name, exportbitmap: target.bitmap ?? undefined };
        return element('disk', { ...common, ...exported }, [
          element('scratch', { file: target.scratch }),
        ]);
      }),
    ),
  ]);
}

/** https://libvirt.org/formatcheckpoint.html */
function checkpointXml(name: string, { disks }: Backup): XmlElement {
  const each = disks.map(({ disk, target }) => {
    return element('disk', { name: disk.target, checkpoint: target === null ? 'no' : 'bitmap' });
  });
  return element('domaincheckpoint', {}, [element('name', {}, [name]), element('disks', {}, each)]);
}

/** Figures of a job of a domain, as libvirt gives them: the state of it under `type`. */
export async function jobFigures(
  context: DriverContext,
  name: string,
  which: 'current' | 'completed',
): Promise<ReadonlyMap<string, number>> {
  const options = which === 'current' ? [] : ['--completed', '--keep-completed'];
  const text = await context.virsh.run(['domjobinfo', name, '--rawstats', ...options]);
  const figures = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, key, value] = /^(\w[\w ]*): (\d+)$/.exec(line.trim()) ?? [];
    if (key !== undefined) figures.set(key === 'Job type' ? 'type' : key, Number(value));
  }
  return figures;
}

/** Resolves with the bytes that were copied. @throws KgetError if it failed, or never ends */
export async function backupEnd(context: DriverContext, name: string): Promise<number> {
  const { clock } = context;
  const endsAtMs = clock.nowMs() + BACKUP_LIMIT_MS;
  while ((await jobFigures(context, name, 'current')).get('type') !== JOB_NONE) {
    if (clock.nowMs() >= endsAtMs) {
      await context.virsh.attempt(['domjobabort', name]);
      const limit = `not done within ${BACKUP_LIMIT_MS / 3_600_000} h`;
      throw new KgetError('timeout', `Gave up on the backup of machine "${name}": ${limit}`);
    }
    await clock.sleep(JOB_INTERVAL_MS);
  }
  const words = ['domjobinfo', name, '--completed', '--keep-completed', '--anystats'];
  const figures = await jobFigures(context, name, 'completed');
  if (figures.get('type') === JOB_COMPLETED) return figures.get('disk_processed') ?? 0;
  const told = await context.virsh.run(words);
  throw virshFailure(words, told.trim() || 'the backup came to nothing');
}

/** Ends the backup that is under way, if there is one, and waits until it is over. */
export async function abortBackup(context: DriverContext, name: string): Promise<void> {
  for (let round = 0; round < ABORT_ROUNDS; round += 1) {
    const answer = await context.virsh.attempt(['domjobabort', name]);
    // No domain, no process, or no job: it is over.
    if (!answer.done) return;
    if ((await jobFigures(context, name, 'current')).get('type') === JOB_NONE) return;
    await context.clock.sleep(JOB_INTERVAL_MS);
  }
  throw new KgetError('timeout', `Gave up on ending the backup of machine "${name}"`);
}

/**
 * A process that was killed leaves its export behind, and libvirt allows one job for a machine.
 * @throws KgetError `usage` if there is a job that ends by itself
 */
export async function dropStaleExport(context: DriverContext, name: string): Promise<void> {
  const type = (await jobFigures(context, name, 'current')).get('type') ?? JOB_NONE;
  if (type === JOB_NONE) return;
  if (type === JOB_UNBOUNDED) return abortBackup(context, name);
  throw new KgetError('usage', `Cannot copy disks of machine "${name}": libvirt does so already`);
}

/**
 * A machine whose memory was just saved, and that did not go on since, has put its disks away.
 * @throws KgetError `usage` then
 */
export async function confirmDisksInUse(
  { virsh }: DriverContext,
  { name, state }: Domain,
): Promise<void> {
  if (state !== 'paused') return;
  const words = ['qemu-monitor-command', name, '{"execute":"query-status"}'];
  if (!(await virsh.run(words)).includes('"postmigrate"')) return;
  const found = 'its memory was saved, and it did not go on since';
  throw new KgetError(
    'usage',
    `Cannot save machine "${name}" or its disks: ${found}; resume it first`,
  );
}
