import { FRONTEND } from '../planner/types.ts';
import type { Resumption } from '../coordinator/fold-journal.ts';
import type { ImageFacts, RunFacts, TransferFacts } from '../coordinator/facts.ts';

/**
 * How long a run that is continued now has been going, in seconds: by the calendar, the pause
 * included, and never less than what its journal tells of. `nowMs`: since 1970.
 */
export function elapsedSeconds(resumption: Resumption | undefined, nowMs: number): number {
  if (resumption === undefined) return 0;
  const { startedAt, lastSeconds } = resumption;
  const seconds = (nowMs - Date.parse(startedAt)) / 1000;
  return Number.isFinite(seconds) ? Math.max(lastSeconds, seconds) : lastSeconds;
}

/**
 * The facts of a run and of the part of it that ended before `resumption`: its transfers, what it
 * knew of images, and images of nodes that did not name them again. Failures are those of the last part.
 */
export function withEarlierPart(facts: RunFacts, resumption: Resumption | undefined): RunFacts {
  if (resumption === undefined) return facts;
  const images = new Map(facts.images);
  for (const [id, { safe, ...image }] of resumption.images) {
    if (images.has(id) || !facts.nodes.has(image.node)) continue;
    images.set(id, unnamed({ ...image, id }, safe));
  }
  const earlier = resumption.transfers.flatMap((transfer, place): TransferFacts[] => {
    const { startSeconds, endSeconds, wireBytes, chunks } = transfer;
    if (!images.has(transfer.image)) return [];
    return [
      {
        ...transfer,
        // The planner's names begin anew in each part.
        id: `earlier-${place}`,
        to: transfer.to ?? FRONTEND,
        afterScan: false,
        heardSeconds: endSeconds,
        doneBytes: wireBytes,
        startSeconds,
        endSeconds,
        wireBytes,
        chunks,
      },
    ];
  });
  const transfers = [...earlier, ...facts.transfers.values()];
  const routes = routesOf(transfers, images);
  for (const [id, image] of images) {
    const route = routes.get(id);
    if (image.state === 'safe' && route !== undefined) images.set(id, { ...image, route });
  }
  return { ...facts, images, transfers: new Map(transfers.map((one) => [one.id, one])) };
}

type Named = Pick<ImageFacts, 'id' | 'node' | 'path' | 'sizeBytes'> & {
  readonly digest?: string | undefined;
  readonly dataBytes?: number | undefined;
};

function unnamed({ id, node, path, sizeBytes, digest, dataBytes }: Named, isSafe: boolean) {
  return {
    id,
    node,
    path,
    sizeBytes,
    dataBytes: dataBytes ?? null,
    sketch: null,
    neededBytes: sizeBytes,
    state: isSafe ? 'safe' : 'missing',
    route: [],
    relayed: new Map<string, readonly string[]>(),
    digest: digest ?? null,
    vouch: 'none',
    heldBack: new Map(),
  } satisfies ImageFacts;
}

/** How each image came to the frontend, by transfers that became durable, in their order. */
function routesOf(
  transfers: readonly TransferFacts[],
  images: ReadonlyMap<string, ImageFacts>,
): Map<string, string[]> {
  const held = new Map<string, Map<string, string[]>>();
  for (const { image, from, to, state } of transfers) {
    const origin = images.get(image)?.node;
    if (state !== 'done' || origin === undefined) continue;
    const ways = held.get(image) ?? new Map<string, string[]>([[origin, [origin]]]);
    ways.set(to, [...(ways.get(from) ?? [origin, from]), to]);
    held.set(image, ways);
  }
  const arrived = [...held].flatMap(([image, ways]): [string, string[]][] => {
    const way = ways.get(FRONTEND);
    return way === undefined ? [] : [[image, way]];
  });
  return new Map(arrived);
}
