import { KgetError } from '../base/error.ts';
import type { StorePlace } from '../store/store-place.ts';
import { formatImageName, type ImageName } from './image-name.ts';
import { readTags, writeTags } from './image-tags.ts';
import { readImages, type StoredImage, storedImage } from './images.ts';
import { lockImages, type LockOptions } from './lock-images.ts';

/**
 * Calls an image so from now on, whatever was called so before.
 * @throws KgetError `no-match` if the image was removed meanwhile, as `lockImages` and `readTags`
 */
export async function tagImage(
  place: StorePlace,
  { image, run }: StoredImage,
  options: LockOptions & { readonly name: ImageName },
): Promise<StoredImage> {
  using _lock = await lockImages(place, options);
  if (!readImages(place).images.some((one) => one.image.id === image.id)) {
    throw new KgetError('no-match', `Cannot tag image ${image.id}: it was removed meanwhile`);
  }
  const tags = new Map(readTags(place)).set(formatImageName(options.name), image.id);
  await writeTags(place, tags);
  return storedImage(place, { run, image, tags });
}

/**
 * Takes a tag away; its image stays. Returns the id of that.
 * @throws KgetError `no-match` if there is no such tag, as `lockImages` and `readTags`
 */
export async function removeTag(
  place: StorePlace,
  options: LockOptions & { readonly name: ImageName },
): Promise<string> {
  const name = formatImageName(options.name);
  using _lock = await lockImages(place, options);
  const tags = new Map(readTags(place));
  const id = tags.get(name);
  if (id === undefined) {
    const found = tags.size === 0 ? 'there are none' : 'image ls shows what there is';
    throw new KgetError('no-match', `Cannot remove the tag ${name}: no image has it; ${found}`);
  }
  tags.delete(name);
  await writeTags(place, tags);
  return id;
}
