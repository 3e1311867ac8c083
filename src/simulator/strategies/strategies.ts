import { allAtOnce, serial } from './direct.ts';
import { kaget } from './kaget.ts';
import { fixedKeepers } from './keepers.ts';
import { kgetplus } from './kgetplus.ts';
import type { Strategy } from './strategy.ts';

/**
 * All that can be compared, Kget+ first. Names are unique; see each one's file for what it models
 * and what it leaves out.
 */
export const STRATEGIES: readonly Strategy[] = [
  kgetplus('kgetplus', { kind: 'mean' }),
  kgetplus('kgetplus target:80%', { kind: 'target', fraction: 0.8 }),
  allAtOnce,
  serial,
  kaget(),
  fixedKeepers({
    name: 'keepers:sqrt',
    words: 'the square root of n',
    keeperCount: (nodeCount) => Math.ceil(Math.sqrt(nodeCount)),
  }),
  fixedKeepers({
    name: 'keepers:fifth',
    words: 'a fifth of n',
    // Rounded down: all others are then 80 % at least.
    keeperCount: (nodeCount) => Math.max(1, Math.floor(nodeCount / 5)),
  }),
];
