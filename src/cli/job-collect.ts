import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { toFailure } from '../base/error.ts';
import { readCatalogue, type Run } from '../catalogue/catalogue.ts';
import { foldJournal } from '../coordinator/fold-journal.ts';
import { readJournal } from '../coordinator/journal-file.ts';
import type { JobAccess } from '../job/record/job-record.ts';
import type { Collected, Collection } from '../job/run/ports.ts';
import type { StorePlace } from '../store/store-place.ts';
import { collectFiles, lackingNodes } from './collect-files.ts';
import { unpackOutputs } from './job-archives.ts';
import type { System } from './system.ts';

/** Where what a job leaves behind is brought, and how its nodes are reached. */
export interface JobShelf {
  readonly place: StorePlace;
  /** Of the job. */
  readonly directory: string;
  readonly reach: JobAccess;
}

type Outputs = Extract<Collection, { kind: 'outputs' }>;
type Cut = Extract<Collection, { kind: 'snapshot' }>;

/** See `JobPorts.collect`. @throws KgetError as `collectFiles` */
export function collectForJob(
  wanted: Collection,
  shelf: JobShelf,
  system: System,
): Promise<Collected> {
  return wanted.kind === 'outputs'
    ? collectOutputs(wanted, shelf, system)
    : collectCut(wanted, shelf, system);
}

/** Archives come as `NODE/VM-outputs.tar`, and are unpacked into `VM`. */
async function collectOutputs(
  wanted: Outputs,
  { directory, reach }: JobShelf,
  system: System,
): Promise<Collected> {
  const place = join(directory, 'outputs');
  const archiveOf = (it: { vm: string; node: string }): string =>
    join(place, it.node, `${it.vm}-outputs.tar`);
  const isHere = (it: { vm: string; node: string }): boolean =>
    existsSync(archiveOf(it)) || existsSync(join(place, it.vm));
  const lacking = wanted.vms.filter((it) => !isHere(it)).map(({ node }) => node);
  if (lacking.length > 0) {
    // In a gather that broke off what one node had may be on another one by now.
    const nodes = isUnderWay(place) ? wanted.nodes : [...new Set(lacking)];
    await collectFiles({ ...wanted, nodes, directory: place, layout: 'files', reach }, system);
  }
  for (const it of wanted.vms.filter(isHere)) {
    const archive = archiveOf(it);
    try {
      await unpackOutputs(it.vm, { archive, directory: place, signal: system.interrupt });
    } catch (error) {
      if (system.interrupt.aborted) throw error;
      // A guest writes what it likes: its archive must not stop the others.
      system.stderr.write(`${it.vm}: ${toFailure(error).message}; its archive is ${archive}\n`);
    }
  }
  const missing = wanted.vms.filter((it) => !isHere(it)).map(({ node }) => node);
  return { place, missing: [...new Set(missing)] };
}

/** Whether a gather into a directory has begun, and not come to its end. */
function isUnderWay(directory: string): boolean {
  const { records } = readJournal(join(directory, '.kgetplus', 'journal.jsonl'));
  return foldJournal(records) !== undefined;
}

async function collectCut(
  wanted: Cut,
  { place, reach }: JobShelf,
  system: System,
): Promise<Collected> {
  const earlier = wanted.mayBeHere ? runsWith(wanted, place) : new Map<string, string>();
  const nodes = wanted.nodes.filter((node) => !earlier.has(node));
  const last = [...earlier.values()].at(-1);
  if (nodes.length === 0 && last !== undefined) return { place: last, missing: [] };
  const { directory } = place;
  const gathered = await collectFiles(
    { ...wanted, nodes, directory, layout: 'store', reach },
    system,
  );
  return { place: gathered.report.run, missing: lackingNodes(gathered, nodes) };
}

/** Nodes whose part of a cut is whole in the store, by what runs that have ended say, and those. */
function runsWith({ cut, nodes }: Cut, place: StorePlace): Map<string, string> {
  const { runs } = readCatalogue(place);
  const found = runs.flatMap((run) =>
    nodes.filter((node) => hasCut(run, { node, cut })).map((node) => [node, run.id] as const),
  );
  return new Map(found);
}

function hasCut({ manifest }: Run, { node, cut }: { node: string; cut: string }): boolean {
  if (manifest === undefined || manifest.endedAt === null) return false;
  const isMissing = manifest.missing.some((it) => it.node === node);
  const isOfCut = (path: string): boolean => path.includes(`/cuts/${cut}/`);
  const images = manifest.images.filter((image) => image.node === node);
  return !isMissing && images.some(({ path }) => isOfCut(path));
}
