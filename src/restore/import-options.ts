import type { ChunkWriter } from '../store/chunk-writer.ts';
import type { StorePlace } from '../store/store-place.ts';

/** What the import of an image file and that of an index have in common. */
export interface ImportOptions {
  readonly place: StorePlace;
  readonly writer: ChunkWriter;
  /** The final path of the snapshot's index. */
  readonly indexPath: string;
  readonly signal: AbortSignal;
  onBegin?(sizeBytes: number): void;
  onProgress?(doneBytes: number): void;
}
