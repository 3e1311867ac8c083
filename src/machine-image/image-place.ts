import { join } from 'node:path';
import type { StorePlace } from '../store/store-place.ts';

/** The node that the parts of an image count as those of: `snapshots/RUN/image/disk.qcow2.caibx`. */
export const IMAGE_NODE = 'image';

/** The tag of an image's run: what keeps `prune` from forgetting its parts. */
export const RUN_TAG = 'image';

/** `.LEASE.kgetplus-new`: the run of an image that is being stored; its lease tells by whom. */
const NEW_NAME = /^\.(.+)\.kgetplus-new$/s;
/** `.RUN.kgetplus-gone`: the run of an image that is being removed. */
const GONE_NAME = /^\..+\.kgetplus-gone$/s;

/** Where the tags of a store's images are. */
export function tagsPath({ directory }: StorePlace): string {
  return join(directory, 'images', 'tags.json');
}

/** Whoever adds or removes images or tags has this lock. */
export function imagesLock({ pruneLock }: StorePlace): string {
  return join(pruneLock, '..', 'images.lock');
}

/** A catalogue passes over its name; `prune` counts the chunks of its indexes as needed. */
export function newRunName(lease: string): string {
  return `.${lease}.kgetplus-new`;
}

export function goneRunName(run: string): string {
  return `.${run}.kgetplus-gone`;
}

/** What a directory beside the runs is, by its name. */
export function leftoverOf(
  name: string,
): { readonly kind: 'new'; readonly lease: string } | { readonly kind: 'gone' } | undefined {
  const lease = NEW_NAME.exec(name)?.[1];
  if (lease !== undefined) return { kind: 'new', lease };
  return GONE_NAME.test(name) ? { kind: 'gone' } : undefined;
}
