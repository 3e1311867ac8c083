import { readFileSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { systemCode } from '../base/error.ts';
import { identityOf, isRunning } from '../store/process-identity.ts';
import type { MachinePaths } from './node-place.ts';

/**
 * A file that is there while a machine stands still for a cut: if the host agent is killed meanwhile
 * the next one has the machine go on.
 */

/** `goes-on`: its processors are stopped, and run again when the cut is over. */
export type CutMark = 'frozen' | 'goes-on';

export function markCut(paths: MachinePaths, mark: CutMark): void {
  mkdirSync(paths.directory, { mode: 0o700, recursive: true });
  writeFileSync(paths.cut, `${identityOf(process.pid) ?? '\n'}${mark}\n`);
}

export function clearCut(paths: MachinePaths): void {
  rmSync(paths.cut, { force: true });
}

/** What a host agent that is gone has left standing; undefined if nothing. */
export function leftCut(paths: MachinePaths): CutMark | undefined {
  let text: string;
  try {
    text = readFileSync(paths.cut, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return undefined;
    throw error;
  }
  const [owner = '', mark] = text.split('\n');
  if (isRunning(`${owner}\n`)) return undefined;
  return mark === 'goes-on' ? 'goes-on' : 'frozen';
}
