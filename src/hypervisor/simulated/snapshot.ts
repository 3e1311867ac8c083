import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KgetError } from '../../base/error.ts';
import type {
  DiskSnapshotFigures,
  SnapshotFigures,
  SnapshotRequest,
  SnapshotUnderWay,
} from '../hypervisor.ts';
import { refuseBases } from '../refuse-bases.ts';
import {
  lengthOf,
  ownBytes,
  updateRaw,
  writeRaw,
  writtenRuns,
  type SimulatedDisk,
} from './disk.ts';
import { holdMachine, requireState, type SimulatedMachine } from './machine.ts';
import { runMachine, settleMachine } from './progress.ts';
import { saveMemory } from './saved-memory.ts';
import type { SimulatedHost } from './world.ts';

/** In the directory of a finished snapshot: which it is. */
const MARKER = '.simulated-snapshot';

/** A disk at the moment of a snapshot. */
interface DiskPoint {
  readonly name: string;
  readonly disk: SimulatedDisk;
  readonly writtenBytes: number;
  /** Null to copy all of it. */
  readonly fromBytes: number | null;
  readonly figures: DiskSnapshotFigures;
}

/** See `Hypervisor.beginSnapshot`. */
export async function beginSnapshot(
  host: SimulatedHost,
  machine: SimulatedMachine,
  request: SnapshotRequest,
): Promise<SnapshotUnderWay> {
  requireState(machine, 'take a snapshot of', ['running', 'paused']);
  if (machine.isCopied) {
    const found = 'its last snapshot has not finished';
    throw new KgetError('usage', `Cannot take a snapshot of "${machine.spec.name}": ${found}`);
  }
  const bases = [...machine.disks].flatMap(([name, { base }]) =>
    base === null ? [] : [[name, base.path] as const],
  );
  refuseBases(machine.spec.name, new Map(bases), request.directory);
  if (!request.memory) await request.whenReady?.();
  const { session, clock } = machine;
  const points = [...machine.disks].map(([name, disk]) => pointOf({ name, disk, request }));
  const memory = request.memory ? saveMemory(machine) : null;
  const startedMs = clock.nowMs();
  const wasRunning = machine.state === 'running';
  if (request.memory && wasRunning) {
    holdMachine(machine, 'paused');
    await clock.sleep(host.pauseMs);
    settleMachine(machine);
    const isOurs = machine.session === session && machine.state === 'paused';
    if (isOurs && !request.leavePaused) runMachine(machine);
  }
  const pausedMs = clock.nowMs() - startedMs;
  machine.isCopied = true;
  const finished = copyFiles(host, machine, { request, points, memory, session }).finally(() => {
    machine.isCopied = false;
  });
  // Whoever began it may not listen yet.
  finished.catch(() => undefined);
  return { pausedMs, finished };
}

function pointOf(facts: {
  readonly name: string;
  readonly disk: SimulatedDisk;
  readonly request: SnapshotRequest;
}): DiskPoint {
  const { name, disk, request } = facts;
  const { sizeBytes, writtenBytes, mark } = disk;
  const point = { name, disk, writtenBytes };
  const reason = request.full ? null : reasonForAll(disk, join(request.directory, `${name}.raw`));
  if (!request.full && reason === null && mark !== null) {
    const fromBytes = mark.writtenBytes;
    const dirtyBytes = lengthOf(writtenRuns(sizeBytes, { fromBytes, toBytes: writtenBytes }));
    const mode = 'incremental';
    const figures = { disk: name, mode, reason, dirtyBytes, copiedBytes: dirtyBytes } as const;
    return { ...point, fromBytes, figures };
  }
  const baseBytes = disk.base?.format === 'raw' ? sizeBytes : 0;
  const copiedBytes = Math.max(baseBytes, ownBytes(disk));
  const figures = { disk: name, mode: 'full', reason, dirtyBytes: null, copiedBytes } as const;
  return { ...point, fromBytes: null, figures };
}

/** Why it is not enough to copy what is dirty; null if it is. */
function reasonForAll({ mark }: SimulatedDisk, file: string): string | null {
  if (mark === null) return 'there is no bitmap since the last snapshot';
  const marker = join(mark.directory, MARKER);
  const isThere =
    file.startsWith(join(mark.directory, '/')) &&
    existsSync(file) &&
    existsSync(marker) &&
    readFileSync(marker, 'utf8') === mark.id;
  return isThere ? null : 'the last snapshot of this machine is not in this directory';
}

async function copyFiles(
  host: SimulatedHost,
  machine: SimulatedMachine,
  facts: {
    readonly request: SnapshotRequest;
    readonly points: readonly DiskPoint[];
    readonly memory: ReturnType<typeof saveMemory> | null;
    readonly session: number;
  },
): Promise<SnapshotFigures> {
  const { points, memory, session } = facts;
  const { directory } = facts.request;
  mkdirSync(directory, { recursive: true });
  rmSync(join(directory, MARKER), { force: true });
  const copiedBytes = points.reduce((sum, { figures }) => sum + figures.copiedBytes, 0);
  await machine.clock.sleep((copiedBytes / host.diskBytesPerSecond) * 1000);
  if (machine.session !== session) {
    for (const { disk } of points) disk.mark = null;
    const found = 'the machine has ended meanwhile';
    throw new KgetError('cancelled', `Gave up a snapshot of "${machine.spec.name}": ${found}`);
  }
  for (const { name, disk, fromBytes, writtenBytes } of points) {
    const file = join(directory, `${name}.raw`);
    if (fromBytes === null) writeRaw(disk, file, writtenBytes);
    else updateRaw(disk, file, { fromBytes, toBytes: writtenBytes });
  }
  const files = memory === null ? [] : Object.entries(memory);
  for (const [name, text] of files) writeFileSync(join(directory, name), text);
  const id = `${host.name} ${machine.spec.name} ${session} ${machine.clock.nowMs()}`;
  writeFileSync(join(directory, MARKER), id);
  for (const { disk, writtenBytes } of points) disk.mark = { directory, id, writtenBytes };
  return {
    disks: points.map(({ figures }) => figures),
    memoryBytes: memory === null ? 0 : statSync(join(directory, 'memory')).size,
  };
}
