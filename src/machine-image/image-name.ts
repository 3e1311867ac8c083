import { KgetError } from '../base/error.ts';

/** How people call an image: `tiny`, or `tiny:v2`. */
export interface ImageName {
  readonly name: string;
  readonly tag: string;
}

/** The tag of a name that has none. */
export const DEFAULT_TAG = 'latest';

/** As in recipes: at most 64 characters. */
const WORD = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** `NAME[:TAG]`, or undefined if it is none. */
export function imageNameIn(text: string): ImageName | undefined {
  const [name = '', tag = DEFAULT_TAG, ...rest] = text.split(':');
  return rest.length === 0 && WORD.test(name) && WORD.test(tag) ? { name, tag } : undefined;
}

/** @throws KgetError `usage` for a text that is no name of an image */
export function parseImageName(text: string): ImageName {
  const name = imageNameIn(text);
  if (name !== undefined) return name;
  throw new KgetError(
    'usage',
    `Cannot call an image "${text}": wanted NAME or NAME:TAG, each of up to 64 letters, digits ` +
      'and . _ -, beginning with a letter or digit',
  );
}

/** `NAME:TAG`. */
export function formatImageName({ name, tag }: ImageName): string {
  return `${name}:${tag}`;
}
