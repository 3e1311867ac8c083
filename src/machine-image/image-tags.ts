import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import * as z from 'zod/mini';
import { KgetError, systemCode, toFailure } from '../base/error.ts';
import { parseDocument } from '../base/parse-document.ts';
import { makeDirectory, replaceFile } from '../content/durable.ts';
import { storeFailure } from '../content/room.ts';
import type { StorePlace } from '../store/store-place.ts';
import { tagsPath } from './image-place.ts';

/** Name and version of the format: docs/formats.md has its fields. */
const SCHEMA = 'kgetplus.image-tags/1';

const fields = z.object({
  schema: z.literal(SCHEMA),
  /** Image ids by `NAME:TAG`. */
  tags: z.record(
    z.string().check(z.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}:[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/)),
    z.string().check(z.regex(/^[0-9a-f]{64}$/)),
  ),
});

/** Ids of images by what they are called, `NAME:TAG`. */
export type ImageTags = ReadonlyMap<string, string>;

/** @throws KgetError `corrupt`, `version`, `source-unreadable` */
export function readTags(place: StorePlace): ImageTags {
  const file = tagsPath(place);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return new Map();
    throw new KgetError(
      'source-unreadable',
      `Cannot read the tags of images ${file}: ${toFailure(error).message}`,
      { cause: error },
    );
  }
  const { tags } = parseDocument({ text, file }, { title: 'list of tags', schema: SCHEMA, fields });
  return new Map(Object.entries(tags));
}

/**
 * Writes all tags in the place of the older ones, at once and durably. Only with the lock.
 * @throws KgetError `no-room`, `target-unwritable`
 */
export async function writeTags(place: StorePlace, tags: ImageTags): Promise<void> {
  const file = tagsPath(place);
  const sorted = [...tags].toSorted(([one], [other]) => (one < other ? -1 : 1));
  const value = { schema: SCHEMA, tags: Object.fromEntries(sorted) };
  try {
    await makeDirectory(dirname(file));
    await replaceFile(file, `${JSON.stringify(value, undefined, 2)}\n`);
  } catch (error) {
    const title = 'the tags of images';
    throw storeFailure(error, { title, directory: dirname(file), neededBytes: 0 });
  }
}
