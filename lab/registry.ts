import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { LabState } from './layout.ts';
import { isSystemError } from './mounts.ts';

const PREFIX = 'kgetplus-lab-';
const STATE_FILE = 'state.json';

/** Where a lab's state file lies; by default with all its other files. */
export function registryOf(name: string): string {
  return join(tmpdir(), `${PREFIX}${name}`);
}

/**
 * Registers a lab before anything of it is made, so that whatever happens it can be taken down.
 * @throws Error if a lab with this name exists
 */
export function register(state: LabState): void {
  try {
    mkdirSync(state.registry, { mode: 0o700 });
  } catch (error) {
    if (!isSystemError(error, ['EEXIST'])) throw error;
    throw new Error(
      `Cannot make lab "${state.name}": ${state.registry} exists; remove it or choose another name`,
      { cause: error },
    );
  }
  const path = join(state.registry, STATE_FILE);
  writeFileSync(`${path}.new`, `${JSON.stringify(state, undefined, 2)}\n`);
  renameSync(`${path}.new`, path);
}

/** The labs of this machine by name, those of crashed owners included. */
export function listLabs(): readonly LabState[] {
  return readdirSync(tmpdir())
    .filter((entry) => entry.startsWith(PREFIX))
    .sort()
    .map((entry) => readState(join(tmpdir(), entry)))
    .filter((state) => state !== undefined);
}

/** The lab with this name. @throws Error if there is none; it names those there are */
export function findLab(name: string): LabState {
  const labs = listLabs();
  const found = labs.find((lab) => lab.name === name);
  if (found !== undefined) return found;
  const names = labs.map((lab) => lab.name).join(', ') || 'none';
  throw new Error(`Cannot find lab "${name}" in ${tmpdir()}: there are ${names}`);
}

/** A state file says what to delete, so one that somebody else put there is passed over. */
function readState(registry: string): LabState | undefined {
  try {
    if (statSync(registry).uid !== process.getuid?.()) return undefined;
    const state = JSON.parse(readFileSync(join(registry, STATE_FILE), 'utf8')) as LabState;
    return state.format === 2 && state.registry === registry ? state : undefined;
  } catch {
    return undefined;
  }
}
