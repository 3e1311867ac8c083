import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { entriesBelow } from './store-walk.ts';

/** Whether files are in memory before they are read: the kernel's page cache. */
export type CacheState = 'cold' | 'warm';

/** Only root can make it cold. */
export function cacheStates(): readonly CacheState[] {
  return process.geteuid?.() === 0 ? ['cold', 'warm'] : ['warm'];
}

/** Brings the page cache into a state: empty, or with all files below the directories. */
export function setCache(state: CacheState, directories: readonly string[]): void {
  execFileSync('sync');
  if (state === 'cold') writeFileSync('/proc/sys/vm/drop_caches', '3');
  else directories.forEach(readAll);
}

function readAll(directory: string): void {
  for (const { path, status } of entriesBelow(directory)) {
    if (status.isFile()) readFileSync(path);
  }
}
