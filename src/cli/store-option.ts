import type { Command } from 'commander';
import { resolve } from 'node:path';
import { type StorePlace, storePlace } from '../store/store-place.ts';
import type { System } from './system.ts';

export interface StoreOption {
  readonly store?: string;
}

const VARIABLE = 'KGETPLUS_STORE';

/** Declares where the store is. */
export function addStoreOption(command: Command): Command {
  return command.option('-s, --store <dir>', `the store [$${VARIABLE}, else this directory]`);
}

/** The store that was named: by option, by the environment, or the directory we are in. */
export function storeAt({ store }: StoreOption, { environment }: System): StorePlace {
  return storePlace(resolve(store ?? environment[VARIABLE] ?? '.'));
}
