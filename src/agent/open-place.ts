import type { ServedImage } from '../content/image.ts';
import type { OpenFiles } from '../content/open-files.ts';
import type { SeedTable } from '../content/seed-table.ts';
import type { Configuration, TargetConfiguration } from '../control/messages.ts';
import type { Hold } from './attach-point.ts';
import { openFileTarget } from './file-target.ts';
import type { Target } from './image-place.ts';
import { createShelf, type Shelf } from './shelf.ts';
import { openSpool, type Spool, type SpoolPlace } from './spool.ts';
import { openStoreTarget } from './store-target.ts';

/** Where the spool of an agent lies that was configured so. */
export function spoolPlace(
  { spoolDirectory, targetKey, node }: Configuration,
  defaultSpool: string,
): SpoolPlace {
  return { root: spoolDirectory ?? defaultSpool, targetKey, node };
}

/** Where an agent puts what it receives: the spool of a node, or the frontend's target. */
export interface OpenPlace extends Target {
  readonly spool?: Spool;
  /** What is served from the spool. */
  readonly shelf?: Shelf;
}

export interface OpenPlaceOptions {
  readonly configuration: Configuration;
  readonly defaultSpool: string;
  /** Given back when the place is closed. */
  readonly hold: Hold;
  readonly files: OpenFiles;
  readonly seeds: SeedTable;
  /** Takes the images in the spool. */
  readonly served: Map<string, ServedImage>;
}

/** @throws KgetError `target-unwritable` */
export async function openPlace(options: OpenPlaceOptions): Promise<OpenPlace> {
  const { configuration, defaultSpool, hold, seeds } = options;
  const { target } = configuration;
  if (target !== null) return heldTarget(await openTarget(target, seeds), hold);
  const spool = openSpool({ ...spoolPlace(configuration, defaultSpool), seeds, hold });
  const { defect } = hold;
  const alone = `it will leave at once when its connection is lost: ${defect}`;
  const warnings = defect === undefined ? [] : [alone];
  return { place: spool, seeded: [], warnings, spool, shelf: createShelf({ ...options, spool }) };
}

function openTarget(target: TargetConfiguration, seeds: SeedTable): Promise<Target> {
  return target.layout === 'files'
    ? openFileTarget(target.directory, seeds)
    : openStoreTarget(target);
}

/** Gives the hold back when the target is closed. */
function heldTarget({ place, ...target }: Target, hold: Hold): Target {
  const close = async (): Promise<void> => {
    await place.close();
    hold.release();
  };
  return { ...target, place: { ...place, close } };
}
