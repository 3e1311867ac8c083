import type { TargetConfiguration } from '../control/messages.ts';
import type { GatherOutcome } from '../coordinator/ports.ts';

/** How images lie in a target directory, and what is written there besides. */
export interface Layout {
  readonly kind: 'files' | 'store';
  /** What the frontend's agent has to know. */
  target(place: RunPlace): TargetConfiguration;
  /** Whether an image that a run had brought here is still here. */
  isThere(place: RunPlace, image: BroughtImage): Promise<boolean>;
  /** Called before agents start. @throws KgetError `target-unwritable`, `no-room` */
  begin(place: RunPlace, run: RunWords): Promise<void>;
  /** Called when all that will come has come. @throws KgetError as `begin` */
  end(place: RunPlace, run: RunWords, outcome: GatherOutcome): Promise<void>;
}

/** Where the images of a run go. */
export interface RunPlace {
  /** The target directory. */
  readonly directory: string;
  readonly run: string;
}

interface BroughtImage {
  readonly node: string;
  readonly path: string;
  readonly sizeBytes: number;
}

/** What is remembered of a run. */
export interface RunWords {
  /** ISO 8601. */
  readonly startedAt: string;
  /** The words of the command. */
  readonly command: readonly string[];
}
