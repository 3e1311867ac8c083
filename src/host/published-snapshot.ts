import { execFileSync } from 'node:child_process';
import { existsSync, linkSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectory, replaceFile, syncDirectory } from '../content/durable.ts';
import type { VmDescription } from '../control/host-calls.ts';
import { OUTPUT_DISK } from '../guest/protocol.ts';
import { snapshotDisks, type VmSpec } from '../hypervisor/vm-spec.ts';
import { readMachineRecord } from './machine-files.ts';
import type { MachinePaths, NodePlace } from './node-place.ts';
import { readEvents } from './said.ts';

/** cp(1) copies what is allocated only; what takes longer than that hangs. */
const COPY_LIMIT_MS = 60_000;

export interface SnapshotFile {
  readonly name: string;
  readonly path: string;
  readonly sizeBytes: number;
}

export interface PublicationOptions {
  readonly place: NodePlace;
  readonly paths: MachinePaths;
  readonly spec: VmSpec;
  /** Names the directory in which the files get their names. */
  readonly cut: string;
  readonly memory: boolean;
  /** What the job runner had said at the cut. */
  readonly events: readonly string[];
}

/**
 * Gives the files of a complete snapshot their names on the node, in the directory of the cut:
 * links, so that the hypervisor's copy stays what the next snapshot brings forward. What the machine
 * was lies beside them, if it is one of ours.
 */
export async function publishSnapshot(options: PublicationOptions): Promise<SnapshotFile[]> {
  const { place, paths, spec, memory } = options;
  const directory = join(place.cuts, options.cut);
  const pathOf = (file: string): string => join(directory, `${spec.name}-${file}`);
  const hasOutputs = memory && existsSync(outputsCopy(paths));
  const files = [
    ...[...snapshotDisks(spec), ...(hasOutputs ? [OUTPUT_DISK] : [])].map((disk) => `${disk}.raw`),
    ...(memory ? ['memory'] : []),
  ];
  await makeDirectory(directory);
  for (const file of files) {
    rmSync(pathOf(file), { force: true });
    linkSync(join(paths.snapshot, file), pathOf(file));
  }
  const wanted = readMachineRecord(paths);
  if (wanted !== null) {
    const state = memory ? readFileSync(join(paths.snapshot, 'memory.json'), 'utf8') : null;
    const events = [...options.events];
    const text: VmDescription = { schema: 'kgetplus.vm/1', wanted, memory: state, events };
    files.push('vm.json');
    await replaceFile(pathOf('vm.json'), `${JSON.stringify(text, undefined, 2)}\n`);
  }
  await syncDirectory(directory);
  return files.map((file) => ({
    name: `${spec.name}-${file}`,
    path: pathOf(file),
    sizeBytes: statSync(pathOf(file)).size,
  }));
}

/** Removes the files of a cut; the hypervisor's copies stay. Idempotent. */
export async function dropCut(place: NodePlace, cut: string): Promise<void> {
  rmSync(join(place.cuts, cut), { recursive: true, force: true });
}

/**
 * Takes the names of earlier cuts from the files of a machine's latest snapshot, which are about to
 * be brought forward: nobody is to take them for what they were.
 */
export function withdrawEarlier(place: NodePlace, paths: MachinePaths): void {
  const own = new Set(filesIn(paths.snapshot).map((path) => statSync(path).ino));
  for (const cut of filesIn(place.cuts)) {
    for (const path of filesIn(cut)) if (own.has(statSync(path).ino)) rmSync(path);
  }
}

/**
 * While the machine stands still with its memory saved: the disk with the archive of outputs is the
 * caller's file, which the hypervisor does not copy. Nothing is on it before the command has ended.
 */
export function copyOutputs(paths: MachinePaths): void {
  rmSync(outputsCopy(paths), { force: true });
  if (!existsSync(paths.outputs)) return;
  const hasEnded = readEvents(paths).some((line) => line.startsWith('exit '));
  if (hasEnded) copySparse(paths.outputs, outputsCopy(paths));
}

/** Copies a file with its holes, in the place of another. @throws Error cp's */
export function copySparse(from: string, to: string): void {
  execFileSync('cp', ['--sparse=always', '--reflink=auto', '--', from, to], {
    timeout: COPY_LIMIT_MS,
    killSignal: 'SIGKILL',
    stdio: 'pipe',
  });
}

function outputsCopy({ snapshot }: MachinePaths): string {
  return join(snapshot, `${OUTPUT_DISK}.raw`);
}

function filesIn(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory).map((name) => join(directory, name));
}
