import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cacheStates, setCache, type CacheState } from './store-cache.ts';
import type { Contender, ContenderName, Place } from './store-contenders.ts';
import type { StoreImages } from './store-images.ts';
import { costOf, type Command, type Cost } from './store-process.ts';
import { diskUse, type DiskUse } from './store-usage.ts';

/** One gather of all images. */
export interface Gathered extends Cost {
  /** What the store took up after it. */
  readonly stored: DiskUse;
  readonly wireBytes: number | undefined;
}

/** A first gather, and a second one after the images changed. */
export interface GatherRound {
  readonly contender: ContenderName;
  readonly first: Gathered;
  readonly second: Gathered;
}

/** One way to read one image, measured once each round. */
export interface ReadRound extends Cost {
  readonly side: string;
  readonly cache: CacheState;
  /** Peak memory of the server, where there is one. */
  readonly serverPeakBytes?: number;
}

/** What all measurements need to know. */
export interface Setting {
  readonly work: string;
  readonly images: StoreImages;
  readonly contenders: readonly Contender[];
  readonly rounds: number;
  progress(line: string): void;
}

/** Where a contender works; the images are at one place, in whichever state they are. */
export function placeOf({ work, images }: Setting, contender: ContenderName): Place {
  return {
    store: join(work, 'stores', contender),
    scratch: join(work, 'scratch', contender),
    images: join(work, 'now'),
    nodes: images.nodes,
  };
}

/** Who is first in one round is last in the next. */
export function inTurn<T>(values: readonly T[], round: number): readonly T[] {
  return round % 2 === 1 ? values : values.toReversed();
}

/**
 * Lets each contender gather the images in both states, with the images in the page cache. The
 * stores of the last round stay.
 */
export async function measureGathers(setting: Setting): Promise<GatherRound[]> {
  const results: GatherRound[] = [];
  for (let round = 1; round <= setting.rounds; round += 1) {
    for (const contender of inTurn(setting.contenders, round)) {
      const place = placeOf(setting, contender.name);
      for (const directory of [place.store, place.scratch]) {
        // Kept to the end: ext4 is slow to make files for a while after many were removed, which
        // would count for those who make many.
        if (round > 1) renameSync(directory, `${directory}-${round - 1}`);
        mkdirSync(directory, { recursive: true });
      }
      await costOf(contender.prepare(place), place.store);
      const first = await withImages(setting, 'first', async () => gather(contender, place));
      const second = await withImages(setting, 'second', async () => gather(contender, place));
      results.push({ contender: contender.name, first, second });
      const [one, other] = [first, second].map(({ seconds }) => seconds.toFixed(1));
      setting.progress(`gather, round ${round}: ${contender.name} ${one} s, then ${other} s`);
    }
  }
  return results;
}

/** Does something while the images are in a state; both states have the same paths. */
export async function withImages<T>(
  { work, images }: Setting,
  state: 'first' | 'second',
  action: () => Promise<T>,
): Promise<T> {
  const now = join(work, 'now');
  renameSync(images[state], now);
  try {
    return await action();
  } finally {
    renameSync(now, images[state]);
  }
}

async function gather(contender: Contender, place: Place): Promise<Gathered> {
  setCache('warm', [place.images]);
  const cost = await costOf(contender.gather(place), place.store);
  return { ...cost, stored: diskUse(place.store), wireBytes: contender.wireBytes(place) };
}

interface RestoreSide {
  readonly side: string;
  readonly command: Command;
  /** Where the image is afterwards. */
  readonly restored: string;
  /** The directory that it reads. */
  readonly reads: string;
}

/**
 * Brings the first node's image back to a file on the same disk, with each contender and `cp`, and
 * compares it, with the second state of the images in place.
 */
export async function measureRestores(setting: Setting, withCopy: boolean): Promise<ReadRound[]> {
  const [node] = setting.images.nodes;
  if (node === undefined) throw new Error('there is one node at least');
  const image = join(setting.work, 'now', node, 'disk.img');
  const target = join(setting.work, 'restored');
  const sides = setting.contenders.map((contender): RestoreSide => {
    const place = placeOf(setting, contender.name);
    const command = contender.restore(place, node, target);
    const restored = contender.restored(place, node, target);
    return { side: contender.name, command, restored, reads: place.store };
  });
  const copy = { argv: ['cp', '--sparse=always', '--reflink=never', image, target] };
  const reads = join(setting.work, 'now', node);
  if (withCopy) sides.push({ side: 'cp', command: copy, restored: target, reads });
  const results: ReadRound[] = [];
  for (let round = 1; round <= setting.rounds; round += 1) {
    for (const cache of cacheStates()) {
      for (const { side, command, restored, reads: directory } of inTurn(sides, round)) {
        setCache(cache, [directory]);
        const cost = await costOf([command], setting.work);
        execFileSync('cmp', [image, restored]);
        rmSync(target, { recursive: true });
        results.push({ side, cache, ...cost });
        setting.progress(`restore, round ${round}: ${side} ${cache} ${cost.seconds.toFixed(2)} s`);
      }
    }
  }
  return results;
}
