import * as z from 'zod/mini';
import { parseDocument, type DocumentSource } from '../base/parse-document.ts';

/** Name and version of the format: docs/formats.md has its fields. */
export const IMAGE_SCHEMA = 'kgetplus.image/1';

const digest = z.string().check(z.regex(/^[0-9a-f]{64}$/));
const sizeBytes = z.int().check(z.nonnegative());

/** One file of an image, which is a snapshot in the store. */
const part = z.object({
  role: z.enum(['disk', 'kernel', 'initramfs']),
  /** Its name in the run: `disk.qcow2`, `vmlinuz`, `initramfs`. */
  name: z.string(),
  sizeBytes,
  /** SHA-256 over the digests of its chunks in order: what every copy has, and its name in caches. */
  digest,
});

const fields = z.object({
  schema: z.literal(IMAGE_SCHEMA),
  /** SHA-256 over everything that a machine is made from: see `imageId`. */
  id: digest,
  /** What it was called when it was made; tags may name it otherwise. */
  name: z.string(),
  arch: z.enum(['x86_64', 'aarch64']),
  format: z.enum(['raw', 'qcow2']),
  /** Of the disk as guests see it. */
  virtualSizeBytes: sizeBytes,
  boot: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('disk') }),
    z.object({ kind: z.literal('kernel'), commandLine: z.string() }),
  ]),
  /** The image has the job runner, and jobs can run in it. */
  hasJobRunner: z.boolean(),
  parts: z.array(part).check(z.minLength(1)),
  builtAt: z.string(),
  /** The text of the recipe; null for an imported image. */
  recipe: z.nullable(z.string()),
});

/** What there is to know of a machine image; a file `image.json` beside the manifest of its run. */
export type MachineImage = Readonly<z.infer<typeof fields>>;
export type ImagePart = MachineImage['parts'][number];

export const IMAGE_MANIFEST_NAME = 'image.json';

/** @throws KgetError `corrupt`, or `version` for one of another version of kgetplus */
export function parseImageManifest(source: DocumentSource): MachineImage {
  return parseDocument(source, { title: 'machine image', schema: IMAGE_SCHEMA, fields });
}

/** A manifest as the text of its file. */
export function serialiseImageManifest(image: Omit<MachineImage, 'schema'>): string {
  return `${JSON.stringify({ schema: IMAGE_SCHEMA, ...image }, undefined, 2)}\n`;
}
