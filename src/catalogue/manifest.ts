import { readFileSync } from 'node:fs';
import * as z from 'zod/mini';
import { KgetError, toFailure } from '../base/error.ts';
import { parseDocument, type DocumentSource } from '../base/parse-document.ts';
import { replaceFile } from '../content/durable.ts';

/** Name and version of the format: docs/formats.md has its fields. */
const SCHEMA = 'kgetplus.manifest/1';

const bytes = z.int().check(z.nonnegative());

const image = z.object({
  node: z.string(),
  /** Where it was on its node. */
  path: z.string(),
  /** Its file name, and that of its index without `.caibx`. */
  name: z.string(),
  sizeBytes: bytes,
  /** Bytes of chunks that are not all zero. */
  dataBytes: bytes,
  /** SHA-256 of the index file, hexadecimal. */
  indexSha256: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
  /** Bytes of frames that crossed the frontend's link for it. */
  wireBytes: bytes,
  /** Chunks that crossed the frontend's link for it. */
  chunks: bytes,
});

const missing = z.object({
  node: z.string(),
  /** Null if the node named no image. */
  path: z.nullable(z.string()),
  reason: z.string(),
});

const manifest = z.object({
  schema: z.literal(SCHEMA),
  run: z.string(),
  startedAt: z.string(),
  /** Null until the run has come to its end by itself. */
  endedAt: z.nullable(z.string()),
  /** Who ran it, and where: user and host name of the frontend. */
  user: z.string(),
  host: z.string(),
  /** Of kgetplus. */
  version: z.string(),
  command: z.array(z.string()),
  /** A snapshot with tags is kept by `prune`. */
  tags: z.array(z.string()),
  images: z.array(image),
  missing: z.array(missing),
});

/** What there is to know of a run whose snapshots are in a store. */
export type Manifest = Readonly<z.infer<typeof manifest>>;
export type ManifestImage = Readonly<z.infer<typeof image>>;

export const MANIFEST_NAME = 'manifest.json';

/**
 * The manifest in the text of a JSON file of any origin.
 * @throws KgetError `corrupt`, or `version` for one of another version of kgetplus
 */
export function parseManifest(source: DocumentSource): Manifest {
  return parseDocument(source, { title: 'manifest', schema: SCHEMA, fields: manifest });
}

/** @throws KgetError as `parseManifest`, and `source-unreadable` */
export function readManifest(file: string): Manifest {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new KgetError(
      'source-unreadable',
      `Cannot read manifest ${file}: ${toFailure(error).message}`,
      { cause: error },
    );
  }
  return parseManifest({ text, file });
}

/** A manifest without its schema: what its writers fill in. */
export type ManifestFields = Omit<Manifest, 'schema'>;

/** Writes a manifest in the place of an older one, durably and all at once. */
export function writeManifest(file: string, fields: ManifestFields): Promise<void> {
  return replaceFile(file, `${JSON.stringify({ schema: SCHEMA, ...fields }, undefined, 2)}\n`);
}
