import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { openSpool } from '../src/agent/spool.ts';
import { KgetError } from '../src/base/error.ts';
import { indexPathOf } from '../src/content/seed-file.ts';
import type { SeedTable } from '../src/content/seed-table.ts';
import { type LeaseRecord, readLeases } from '../src/store/lease.ts';
import { takeLock } from '../src/store/lock.ts';
import { identityOf } from '../src/store/process-identity.ts';
import { storePlace } from '../src/store/store-place.ts';
import { batchStates } from '../src/upkeep/batches.ts';
import type { Trial } from './target.ts';

/** Texts name this process, as it was when it began: both differ from process to process. */
function withIdentity(input: Buffer): string {
  const [pid = '', start = ''] = (identityOf(process.pid) ?? '').trim().split(' ');
  const text = input.toString('utf8');
  return text.replaceAll('PID', pid).replaceAll('START', start).replaceAll('HOST', hostname());
}

export function lockSamples(): Buffer[] {
  return ['PID START\n', 'PID 1\n', '4194304 7\n', '', '1 1\n'].map((text) => Buffer.from(text));
}

/** A lock is refused only for the sake of a process that runs; else it is taken, and is ours. */
export function tryLock(input: Buffer, { file }: Trial): void {
  const lock = `${file}.lock`;
  const text = withIdentity(input);
  writeFileSync(lock, text);
  try {
    takeLock(lock, (pid) => new KgetError('locked', `process ${pid} has it`));
    assert.equal(readFileSync(lock, 'utf8'), identityOf(process.pid));
  } catch (error) {
    const isOurs = text === identityOf(Number(text.split(' ')[0]));
    if (!(error instanceof KgetError)) throw error;
    assert.ok(isOurs, 'a lock of nobody was refused');
    throw error;
  } finally {
    rmSync(lock, { force: true });
  }
}

export function leaseSamples(): Buffer[] {
  return [
    'gather\nHOST\nPID START\n',
    'restore\nHOST\n4194304 7\n',
    'prune\nelsewhere\n17 4711\n',
    'gather\nHOST\n',
  ].map((text) => Buffer.from(text));
}

/** Every lease is read; those of processes that are gone are told as `corrupt`, for the count. */
export function tryLease(input: Buffer, { file, dice }: Trial): void {
  const place = storePlace(`${file}-store`);
  mkdirSync(place.leases, { recursive: true });
  const names = ['1700000000000-17-0a1b2c', `${'9'.repeat(dice.below(200) + 1)}-1-ff`];
  const lease = join(place.leases, dice.pick(names));
  const text = withIdentity(input);
  writeFileSync(lease, text);
  try {
    const [record, ...others] = readLeases(place);
    assert.ok(record !== undefined && others.length === 0);
    const [, host = ''] = text.split('\n');
    const isOurs = text === '' || host === hostname();
    assert.ok(record.isAlive || isOurs, 'a lease of another host counts as dead');
    if (!record.isAlive) throw new KgetError('corrupt', 'its process is gone');
  } finally {
    rmSync(lease);
  }
}

const LEASE: LeaseRecord = {
  name: '1700000000000-17-0a1b2c',
  kind: 'gather',
  host: 'elsewhere',
  pid: 17,
  takenAtMs: 1_700_000_000_000,
  isAlive: true,
};

export function completionSamples(): Buffer[] {
  const completedAt = '2026-11-22T09:30:00.000Z';
  return [
    { completedAt, leases: [] },
    { completedAt, leases: [LEASE.name, '1-2-ff'] },
  ].map((completion) => Buffer.from(`${JSON.stringify(completion)}\n`));
}

/** A batch of which it is not known when it was complete awaits every lease. */
export function tryCompletion(input: Buffer, { file }: Trial): void {
  const place = storePlace(`${file}-store`);
  const batch = join(place.trash, '20261122T093000Z-ab');
  mkdirSync(batch, { recursive: true });
  writeFileSync(join(batch, 'complete.json'), input);
  const [state] = batchStates(place, [LEASE]);
  assert.ok(state !== undefined);
  if (state.completedAtMs !== undefined) return assert.ok(Number.isFinite(state.completedAtMs));
  assert.deepEqual(state.awaited, [LEASE]);
  throw new KgetError('corrupt', 'it does not say when it was complete');
}

const IMAGE = { id: 'node1:/vm/disk', node: 'node1', path: '/vm/disk', sizeBytes: 20 };

export function spoolSamples(): Buffer[] {
  return [IMAGE, { ...IMAGE, sizeBytes: 21 }].map((image) => Buffer.from(JSON.stringify(image)));
}

/** An image is kept only if it is there, whole; whatever it is called, its files are the spool's. */
export function trySpool(input: Buffer, { file }: Trial): void {
  const spool = openSpool({
    root: `${file}-spool`,
    targetKey: '0011223344556677',
    node: 'node1',
    // Only what lands in a spool joins the table, and nothing does here.
    seeds: {} as unknown as SeedTable,
  });
  const path = spool.pathOf(IMAGE);
  assert.ok(path.startsWith(`${spool.directory}/`));
  writeFileSync(path, Buffer.alloc(IMAGE.sizeBytes));
  writeFileSync(indexPathOf(path), '');
  writeFileSync(`${path}.json`, input);
  const kept = spool.kept();
  for (const image of kept) {
    assert.equal(spool.pathOf(image), path);
    assert.equal(image.sizeBytes, IMAGE.sizeBytes);
  }
  if (kept.length === 0) throw new KgetError('corrupt', 'there is no whole image in it');
}
