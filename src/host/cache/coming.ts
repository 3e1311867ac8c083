import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { KgetError } from '../../base/error.ts';
import type { ImageLanding } from '../../content/landing.ts';
import type { OpenFiles } from '../../content/open-files.ts';
import type { DeployedFile } from '../../control/host-calls.ts';
import type { CachedFiles } from './cached-files.ts';
import { openRelay, type Relay } from './relay.ts';
import type { Shelf } from './shelf.ts';

/** How long others wait for a file whose fetch has failed, until another fetch goes on with it. */
const RELAY_LINGER_MS = 60_000;

/** A file that comes, or came, since the cache was opened. */
export interface ComingFile {
  readonly relay: Relay;
  readonly sizeBytes: number;
  landing?: Pick<ImageLanding, 'doneBytes'>;
  isHere: boolean;
}

/** Files on their way here, each with those who wait for it behind us. */
export interface ComingFiles {
  /** The file is going to be fetched: others may have it from now on, as it comes. */
  begin(file: DeployedFile): ComingFile;
  /** Its fetch has failed; if no other one begins in time, it is given up. */
  linger(digest: string, failure: KgetError): Promise<void>;
  /** It will not come. */
  giveUp(digest: string, failure: KgetError): void;
  all(): readonly (readonly [digest: string, file: ComingFile])[];
}

export interface ComingFilesOptions {
  readonly images: CachedFiles;
  readonly scratch: string;
  readonly files: OpenFiles;
  readonly shelf: Shelf;
  readonly clock: Clock;
  readonly chunkSizeBytes: number;
  /** Ends all waits. */
  readonly signal: AbortSignal;
}

export function comingFiles(options: ComingFilesOptions): ComingFiles {
  const { images, scratch, files, shelf, clock, chunkSizeBytes } = options;
  const coming = new Map<string, ComingFile>();
  const lingering = new Map<string, AbortController>();

  function giveUp(digest: string, failure: KgetError): void {
    const one = coming.get(digest);
    if (one === undefined || one.isHere) return;
    coming.delete(digest);
    shelf.take(digest, one.relay.image);
    one.relay.fail(failure);
  }
  return {
    begin({ digest, sizeBytes }) {
      lingering.get(digest)?.abort();
      const known = coming.get(digest);
      // One that was here, and is not any more, was removed by somebody.
      if (known?.isHere === false) return known;
      const relay = openRelay({
        path: images.pathOf(digest),
        shape: { sizeBytes, chunkSizeBytes },
        title: titleOf(digest),
        scratchPath: join(scratch, digest),
        files,
      });
      const fresh: ComingFile = { relay, sizeBytes, isHere: false };
      coming.set(digest, fresh);
      shelf.put(digest, relay.image);
      return fresh;
    },
    async linger(digest, failure) {
      const goesOn = new AbortController();
      lingering.set(digest, goesOn);
      await clock.sleep(RELAY_LINGER_MS, AbortSignal.any([goesOn.signal, options.signal]));
      if (!goesOn.signal.aborted) giveUp(digest, failure);
    },
    giveUp,
    all: () => [...coming],
  };
}

/** A file in messages. */
export function titleOf(digest: string): string {
  return `file ${digest.slice(0, 12)}`;
}
