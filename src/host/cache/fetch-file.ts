import { KgetError } from '../../base/error.ts';
import { openFileLanding } from '../../content/file-landing.ts';
import type { ImageShape } from '../../content/image.ts';
import type { ImageLanding } from '../../content/landing.ts';
import type { SeedTable } from '../../content/seed-table.ts';
import { formatSize } from '../../base/units.ts';
import { pull } from '../../transfer/pull.ts';
import type { PullCounters, PullOptions } from '../../transfer/transfer.ts';
import type { Relay } from './relay.ts';

export interface FetchFileOptions {
  readonly digest: string;
  readonly shape: ImageShape;
  /** Where the file goes. */
  readonly path: string;
  readonly title: string;
  readonly relay: Relay;
  readonly seeds: SeedTable;
  readonly identity: PullOptions['identity'];
  readonly from: PullOptions['from'];
  readonly download: PullOptions['download'];
  readonly signal: AbortSignal;
  readonly limits?: PullOptions['limits'];
  onLanding(landing: Pick<ImageLanding, 'doneBytes'>): void;
}

/**
 * Brings a file to its place in the cache, verified and durable; what has arrived stays when it
 * fails. @throws KgetError as `Pull`, `Landing` and `ImageLanding.finish` have it
 */
export async function fetchFile(options: FetchFileOptions): Promise<PullCounters> {
  const { digest, shape, relay, title } = options;
  let landing: Promise<ImageLanding> | undefined;
  let wish = { keepPart: true };
  const { counters, outcome } = pull({
    identity: options.identity,
    from: options.from,
    image: digest,
    chunkSizeBytes: shape.chunkSizeBytes,
    download: options.download,
    signal: options.signal,
    ...(options.limits !== undefined && { limits: options.limits }),
    async land(sizeBytes) {
      confirmSize(sizeBytes, options);
      landing = openFileLanding({
        path: options.path,
        shape,
        title,
        seeds: options.seeds,
        onReadable: (position) => relay.arrived(position),
      });
      const opened = await landing;
      options.onLanding(opened);
      return relay.through(opened);
    },
  });
  try {
    const ended = await outcome;
    if (ended.state === 'failed') throw ended.error;
    const told = relay.toldDigest();
    if (told !== digest) {
      wish = { keepPart: false };
      const sender = `${options.from.node} gave a file with the digest ${told}`;
      throw new KgetError('corrupt', `Cannot take ${title} in: ${sender}, wanted ${digest}`);
    }
    await (await landing)?.finish();
    return counters;
  } finally {
    const opened = await landing?.catch(() => undefined);
    // Once finished there is nothing to give up; else why the fetch failed is what counts.
    await opened?.abandon(wish).catch(() => undefined);
  }
}

function confirmSize(sizeBytes: number, { shape, title, from }: FetchFileOptions): void {
  if (sizeBytes === shape.sizeBytes) return;
  const sizes = `found ${formatSize(sizeBytes)}, wanted ${formatSize(shape.sizeBytes)}`;
  throw new KgetError('corrupt', `Cannot take ${title} in from ${from.node}: ${sizes}`);
}
