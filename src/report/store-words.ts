import { formatSize } from '../base/units.ts';
import { visible } from './names.ts';

/** A size for people; a dash when unknown. */
export function sizeWords(bytes: number | null): string {
  return bytes === null ? '–' : formatSize(bytes);
}

/** `1 run`, `3 runs`. */
export function countWords(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}

/** How many times as much, for people: `3.4 ×`; a dash when that says nothing. */
export function timesWords(many: number | null, few: number | null): string {
  if (many === null || few === null || few === 0) return '–';
  const factor = many / few;
  return `${factor.toFixed(factor < 9.95 ? 1 : 0)} ×`;
}

/** What there is to say of a store without snapshots. */
export function emptyStoreWords(store: string): string {
  return (
    `There is no snapshot in ${visible(store)}.\n` +
    'kgetplus gather --layout store --to DIR puts some into the store DIR.\n'
  );
}
