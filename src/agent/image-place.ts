import type { ImageShape } from '../content/image.ts';
import type { ImageLanding } from '../content/landing.ts';
import type { ImageName } from '../control/messages.ts';

/** Where an agent puts the images that it receives: a keeper's spool, or the frontend's target. */
export interface ImagePlace {
  /** The directory whose free room counts. */
  readonly directory: string;
  /** The zstd level at which chunks are wanted; undefined if the sender may choose. */
  readonly level?: number | undefined;
  /**
   * Begins to take an image in. @throws KgetError `protocol` for names that would lead elsewhere,
   * `no-room`, `target-unwritable`
   */
  land(image: ImageName, options: LandOptions): Promise<ImageLanding>;
  /**
   * Called when the image is complete and durable; returns when that is remembered.
   */
  record(image: ImageName): Promise<void>;
  /** Complete images from earlier runs that can be served. */
  kept(): readonly ImageName[];
  /** Removes an image that is safe elsewhere, or bad; nothing happens if it did not land here. */
  drop(id: string): void;
  /** Removes all that can be spared when the run is over. */
  empty(): void;
  /** Gives back what it took while it was in use. */
  close(): Promise<void>;
}

interface LandOptions {
  readonly shape: ImageShape;
  /** What the image will take on disk, as far as is known. */
  readonly neededBytes: number;
}

/** What a target directory has when a run begins. */
export interface Target {
  readonly place: ImagePlace;
  /** `NODE/FILE` of each image of which an earlier version is there. */
  readonly seeded: readonly string[];
  readonly warnings: readonly string[];
}
