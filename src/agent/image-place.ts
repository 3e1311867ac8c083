import type { ImageName } from '../control/messages.ts';

/** Where an agent puts the images that it receives: a keeper's spool, or the frontend's target. */
export interface ImagePlace {
  /** The directory whose free room counts. */
  readonly directory: string;
  /**
   * The file that `image` becomes. @throws KgetError `protocol` for names that would lead elsewhere
   */
  pathOf(image: ImageName): string;
  /**
   * Called when the image lies complete and durable at its path; returns when that is remembered.
   */
  record(image: ImageName): Promise<void>;
  /** Complete images from earlier runs that can be served. */
  kept(): readonly ImageName[];
  /** Removes an image that is safe elsewhere; nothing happens if it is not here. */
  drop(id: string): void;
  /** Removes all that can be spared when the run is over. */
  empty(): void;
}
