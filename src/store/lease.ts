import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { systemCode } from '../base/error.ts';
import { makeDirectories } from '../content/directories.ts';
import { identityOf, isRunning } from './process-identity.ts';
import type { StorePlace } from './store-place.ts';

/** Says that this process uses a store: what it may rely on is not swept before it has ended. */
export interface Lease {
  /** Unlike any other lease's, and fit for a name of a file. */
  readonly name: string;
  /** Idempotent. A process that ends without it has given its lease back, too. */
  release(): void;
}

/** A lease as other processes see it. */
export interface LeaseRecord {
  readonly name: string;
  /** What the process does: `gather`, `restore`, … */
  readonly kind: string;
  readonly host: string;
  readonly pid: number;
  readonly takenAtMs: number;
  /** False if its process is gone. Of processes on other hosts nobody knows: they are alive. */
  readonly isAlive: boolean;
}

/** Takes a lease of a store. @throws Error the system's, if nothing can be written there */
export function takeLease(place: StorePlace, kind: string): Lease {
  makeDirectories(place.leases);
  const takenAtMs = Date.now();
  const name = `${takenAtMs}-${process.pid}-${randomBytes(3).toString('hex')}`;
  const file = join(place.leases, name);
  const text = [kind, hostname(), identityOf(process.pid) ?? ''].join('\n');
  const fresh = `${file}.kgetplus-new`;
  try {
    // Complete and durable before it has its name: nobody knows whose half a lease would be.
    writeFileSync(fresh, text, { mode: 0o600, flush: true });
    renameSync(fresh, file);
  } catch (error) {
    rmSync(fresh, { force: true });
    throw error;
  }
  return { name, release: () => rmSync(file, { force: true }) };
}

/** The leases of a store, those of dead processes, too. */
export function readLeases(place: StorePlace): readonly LeaseRecord[] {
  return namesIn(place.leases).flatMap((name) => {
    const [takenAt, pid] = name.split('-').map(Number);
    const text = textOf(join(place.leases, name));
    // It has been given back meanwhile, or is not ours.
    if (takenAt === undefined || pid === undefined || text === undefined) return [];
    const [kind = '', host = '', identity = ''] = text.split('\n');
    // An empty one was made before leases were synced, and has lost its bytes with the power.
    const isForeign = text !== '' && host !== hostname();
    const isAlive = isForeign || isRunning(`${identity}\n`);
    return [{ name, kind, host, pid, takenAtMs: takenAt, isAlive }];
  });
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory).filter((name) => /^\d+-\d+-[0-9a-f]+$/.test(name));
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
