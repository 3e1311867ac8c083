import { existsSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { basename, dirname } from 'node:path';
import { VERSION } from '../base/version.ts';
import { manifestPath, snapshotIndexPath } from '../catalogue/catalogue.ts';
import { describeIndex } from '../catalogue/describe-index.ts';
import {
  type ManifestFields,
  type ManifestImage,
  readManifest,
  writeManifest,
} from '../catalogue/manifest.ts';
import { makeDirectory } from '../content/durable.ts';
import { openIndex } from '../content/index-reader.ts';
import { storeFailure } from '../content/room.ts';
import type { ImageFacts, RunFacts } from '../coordinator/facts.ts';
import { FRONTEND } from '../planner/types.ts';
import { storePlace } from '../store/store-place.ts';
import type { Layout, RunPlace, RunWords } from './layout.ts';

/** Snapshots of a store, whose chunks are compressed at a zstd level. */
export function storeLayout(level: number): Layout {
  return {
    kind: 'store',
    target: ({ directory, run }) => ({ layout: 'store', directory, run, level }),
    async isThere(place, { node, path, sizeBytes }) {
      try {
        const index = await openIndex(indexPathOf(place, { node, path }));
        index.close();
        return index.shape.sizeBytes === sizeBytes;
      } catch {
        return false;
      }
    },
    // A run that is continued has its manifest already.
    begin: (place, words) =>
      existsSync(pathOf(place)) ? Promise.resolve() : write(place, emptyManifest(place, words)),
    async end(place, words, { facts, interrupted }) {
      const begun = existsSync(pathOf(place))
        ? readManifest(pathOf(place))
        : emptyManifest(place, words);
      const before = new Map(begun.images.map((image) => [`${image.node}/${image.name}`, image]));
      const safe = [...facts.images.values()].filter(({ state }) => state === 'safe');
      for (const image of safe) {
        const described = await describe(place, image, facts);
        const known = before.get(`${image.node}/${described.name}`);
        // What came before an interruption was counted then.
        before.set(`${image.node}/${described.name}`, {
          ...described,
          wireBytes: described.wireBytes || (known?.wireBytes ?? 0),
          chunks: described.chunks || (known?.chunks ?? 0),
        });
      }
      await write(place, {
        ...begun,
        endedAt: interrupted ? null : new Date().toISOString(),
        images: [...before.values()],
        missing: missingOf(facts),
      });
    },
  };
}

function pathOf({ directory, run }: RunPlace): string {
  return manifestPath(storePlace(directory), run);
}

function indexPathOf({ directory, run }: RunPlace, image: { node: string; path: string }): string {
  const name = basename(image.path);
  return snapshotIndexPath(storePlace(directory), { run, node: image.node, name });
}

function emptyManifest({ run }: RunPlace, { startedAt, command }: RunWords): ManifestFields {
  return {
    run,
    startedAt,
    endedAt: null,
    user: userInfo().username,
    host: hostname(),
    version: VERSION,
    command: [...command],
    tags: [],
    images: [],
    missing: [],
  };
}

async function write(place: RunPlace, fields: ManifestFields): Promise<void> {
  const path = pathOf(place);
  try {
    await makeDirectory(dirname(path));
    await writeManifest(path, fields);
  } catch (error) {
    const title = `the manifest of run ${place.run}`;
    throw storeFailure(error, { title, directory: place.directory, neededBytes: 0 });
  }
}

async function describe(
  place: RunPlace,
  { id, node, path }: ImageFacts,
  facts: RunFacts,
): Promise<ManifestImage> {
  const came = [...facts.transfers.values()].filter(
    ({ image, to, state }) => image === id && to === FRONTEND && state === 'done',
  );
  const arrival = came.at(-1);
  return {
    node,
    path,
    name: basename(path),
    ...(await describeIndex(indexPathOf(place, { node, path }))),
    wireBytes: arrival?.wireBytes ?? 0,
    chunks: arrival?.chunks ?? 0,
  };
}

/** Images that are not here, and what else failed that is no image: nodes, paths without a match. */
function missingOf(facts: RunFacts): ManifestFields['missing'] {
  const reasons = new Map(
    facts.failures.map(({ node, path, message }) => [`${node}:${path}`, message]),
  );
  const images = [...facts.images.values()]
    .filter(({ state }) => state !== 'safe')
    .map(({ id, node, path }) => ({ node, path, reason: reasons.get(id) ?? 'it did not arrive' }));
  const others = facts.failures.flatMap(({ node, path, message }) =>
    node === null || facts.images.has(`${node}:${path}`) ? [] : [{ node, path, reason: message }],
  );
  return [...images, ...others];
}
