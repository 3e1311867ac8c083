import { KgetError } from '../../base/error.ts';
import type { Hypervisor, MigrationFigures, MigrationOptions } from '../hypervisor.ts';
import { jobFigures } from './backup.ts';
import type { DriverContext } from './context.ts';
import type { Domain } from './domains.ts';
import { domainDisks } from './domains.ts';
import { readEndpoint, type Arrival } from './incoming.ts';
import { withXmlFile } from './machines.ts';
import { parseXml } from './parse-xml.ts';
import { machinePlaces } from './places.ts';
import { EMPTY_RECORD } from './record.ts';
import { rehome } from './rehome.ts';
import { virshFailure, type VirshAnswer } from './virsh.ts';
import { formatXml } from './xml.ts';

/** What virsh may take longer than the migration: it is ended then, which libvirt notices. */
const ABORT_LIMIT_MS = 60_000;
const ABORT_INTERVAL_MS = 200;

const MEBIBYTE = 2 ** 20;

/** The source's side. */
export function migrateCalls(context: DriverContext): Pick<Hypervisor, 'migrate'> {
  const { domains, virsh } = context;
  return {
    async migrate(name, endpoint, options) {
      const domain = await domains.expect(name, ['running'], 'migrate');
      const arrival = readEndpoint(endpoint);
      const live = parseXml(await virsh.run(['dumpxml', name, '--migratable']));
      const record = {
        ...EMPTY_RECORD,
        spec: arrival.spec,
        started: true,
        incoming: true,
        disksElsewhere: options.sharedStorage,
        restored: domain.record.restored,
      };
      const places = machinePlaces(arrival.root, name);
      const xml = formatXml(rehome(live, { spec: arrival.spec, places, record }));
      await virsh.run(['migrate-setmaxdowntime', name, String(options.downtimeLimitMs)]);
      const answer = await withXmlFile(context, `${name}.migrated`, xml, async (path) =>
        move(context, migrateWords(domain, arrival, options, path), options),
      );
      if (!answer.done) throw await failureOf(context, domain, answer.complaint, answer.why);
      const figures = await figuresOf(context, name);
      await domains.remember(domain, { snapshot: null, disksElsewhere: options.sharedStorage });
      return figures;
    },
  };
}

function migrateWords(
  domain: Domain,
  { connection, address, spec }: Arrival,
  { sharedStorage, bytesPerSecond }: MigrationOptions,
  path: string,
): readonly string[] {
  const read = new Set(spec.disks.filter((it) => it.access === 'read-only').map((it) => it.name));
  const targets = domainDisks(domain)
    .filter(({ name }) => !read.has(name))
    .map(({ target }) => target);
  // What a restored machine's disks lie over is not what the target has: all is copied.
  const copy = domain.record.restored ? '--copy-storage-all' : '--copy-storage-inc';
  return [
    'migrate',
    domain.name,
    '--live',
    '--p2p',
    '--abort-on-error',
    '--persistent',
    '--suspend',
    '--desturi',
    connection,
    '--migrateuri',
    `tcp://${bracketed(address)}`,
    '--xml',
    path,
    '--persistent-xml',
    path,
    ...(bytesPerSecond === null
      ? []
      : ['--bandwidth', String(Math.max(1, Math.floor(bytesPerSecond / MEBIBYTE)))]),
    // libvirt cannot tell that a directory is shared, unless it is NFS.
    ...(sharedStorage ? ['--unsafe'] : [copy, '--migrate-disks', targets.join(',')]),
  ];
}

type MoveAnswer =
  | { readonly done: true }
  | { readonly done: false; readonly complaint: string; readonly why: 'late' | 'aborted' | null };

/** Migrates, and has libvirt give up when that takes too long or is not wanted any more. */
async function move(
  { virsh, clock }: DriverContext,
  words: readonly string[],
  { limitMs, signal }: MigrationOptions,
): Promise<MoveAnswer> {
  const [, name = ''] = words;
  const over = new AbortController();
  const moving = virsh.attempt(words, limitMs + ABORT_LIMIT_MS).finally(() => over.abort());
  let why: 'late' | 'aborted' | null = null;
  const giveUp = async (): Promise<void> => {
    await clock.sleep(limitMs, AbortSignal.any([over.signal, signal]));
    const endsAtMs = clock.nowMs() + ABORT_LIMIT_MS;
    while (!over.signal.aborted && clock.nowMs() < endsAtMs) {
      why ??= signal.aborted ? 'aborted' : 'late';
      // Again and again, as the job may not have begun yet.
      await virsh.attempt(['domjobabort', name]);
      await clock.sleep(ABORT_INTERVAL_MS, over.signal);
    }
  };
  const [answer] = await Promise.all([moving, giveUp()] satisfies [
    Promise<VirshAnswer>,
    Promise<void>,
  ]);
  return answer.done ? { done: true } : { ...answer, why };
}

/** Sees to it that the machine runs on here, and says what happened. */
async function failureOf(
  { domains, virsh }: DriverContext,
  { name }: Domain,
  complaint: string,
  why: 'late' | 'aborted' | null,
): Promise<KgetError> {
  if ((await domains.look(name)).state === 'paused') await virsh.run(['resume', name]);
  switch (why) {
    case 'aborted':
      return new KgetError('cancelled', `Stopped the migration of machine "${name}" on request`);
    case 'late': {
      const found = 'it did not end within its limit; the machine runs on where it was';
      return new KgetError('timeout', `Gave up on the migration of machine "${name}": ${found}`);
    }
    case null:
      return virshFailure(['migrate', name], complaint);
  }
}

async function figuresOf(context: DriverContext, name: string): Promise<MigrationFigures> {
  const figures = await jobFigures(context, name, 'completed');
  return {
    totalMs: figures.get('time_elapsed') ?? 0,
    downtimeMs: figures.get('downtime') ?? 0,
    movedBytes: figures.get('data_processed') ?? 0,
  };
}

/** As an address stands in a URI. */
function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}
