import { KgetError } from '../base/error.ts';
import type { StorePlace } from '../store/store-place.ts';
import { DEFAULT_TAG, formatImageName, imageNameIn } from './image-name.ts';
import { readImages, type StoredImage } from './images.ts';

/** A shorter beginning of an id is too easily that of another image tomorrow. */
const MIN_ID_CHARACTERS = 6;

/** Names that are shown to who has asked for none of them. */
const MAX_SHOWN = 5;

/** Names that have so much in common with what was asked for are near it. */
const NEAR_CHARACTERS = 3;

/**
 * The image that a text means: `NAME:TAG`, `NAME` (its tag `latest`, else the only image that was
 * called so when it was made), or the beginning of an id, of at least 6 digits.
 * @throws KgetError `no-match`, with names like it; `usage` if several are meant, or if there is no
 * store; as `readImages`
 */
export function findImage(place: StorePlace, text: string): StoredImage {
  const { images } = readImages(place);
  const name = imageNameIn(text);
  const byTag =
    name === undefined
      ? undefined
      : images.find(({ tags }) => tags.includes(formatImageName(name)));
  if (byTag !== undefined) return byTag;
  const isId = text.length >= MIN_ID_CHARACTERS && /^[0-9a-f]+$/.test(text);
  const byId = isId ? images.filter(({ image }) => image.id.startsWith(text)) : [];
  const byName =
    name?.tag === DEFAULT_TAG && !text.includes(':')
      ? images.filter(({ image }) => image.name === name.name)
      : [];
  const [found, ...others] = byId.length > 0 ? byId : byName;
  if (found === undefined) throw noneFor(text, { directory: place.directory, images });
  if (others.length === 0) return found;
  const ids = [found, ...others].slice(0, MAX_SHOWN).map(({ image }) => image.id.slice(0, 12));
  throw new KgetError(
    'usage',
    `Cannot tell which image "${text}" means: found ${others.length + 1}: ${ids.join(', ')}; ` +
      'wanted one: name it by its id or a tag',
  );
}

function noneFor(
  text: string,
  store: { readonly directory: string; readonly images: readonly StoredImage[] },
): KgetError {
  const names = store.images.flatMap(({ image, tags }) =>
    tags.length > 0 ? tags : [image.id.slice(0, 12)],
  );
  const near = names.filter((name) => isNear(name, text));
  const shown = (near.length > 0 ? near : names).slice(0, MAX_SHOWN);
  const more = shown.length < names.length ? '; image ls shows all' : '';
  const found =
    names.length === 0
      ? 'it has none; make one with image build or image import'
      : `${near.length > 0 ? 'near it are' : 'found'} ${shown.join(', ')}${more}`;
  return new KgetError('no-match', `Cannot find image "${text}" in ${store.directory}: ${found}`);
}

/** One contains the other, or they begin alike, but for upper and lower case. */
function isNear(name: string, text: string): boolean {
  const [one, other] = [name.toLowerCase(), text.toLowerCase()];
  const bare = other.split(':')[0] ?? other;
  if (bare === '') return false;
  return one.includes(bare) || one.startsWith(other.slice(0, NEAR_CHARACTERS));
}
