import { formatSize } from '../base/units.ts';
import { html, type Markup, when } from './markup.ts';
import type { StoreShares } from './store-statistics.ts';
import { shareWords } from './store-stats-words.ts';

/** Parts of a bar, from the left to the right, as classes of the style sheet. */
type Kind = 'zero' | 'duplicate' | 'compressed' | 'stored' | 'missing' | 'unknown';

interface Part {
  readonly kind: Kind;
  readonly bytes: number;
}

const LABELS: Readonly<Record<Kind, string>> = {
  zero: 'zeros',
  duplicate: 'duplicates',
  compressed: 'saved by compression',
  stored: 'stored',
  missing: 'missing',
  unknown: 'data',
};

const HEIGHT = 16;

/** One bar: all bytes of images, by what becomes of them. */
export function shareBar(shares: StoreShares): Markup {
  const parts = partsOf(shares);
  const all = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  const words = parts.map(({ kind, bytes }) => describe(kind, bytes, all)).join(', ');
  let from = 0;
  const bars = parts.map(({ kind, bytes }) => {
    const width = all === 0 ? 0 : (bytes / all) * 100;
    const bar = html`<rect
      class="${kind}"
      x="${from.toFixed(3)}%"
      width="${width.toFixed(3)}%"
      height="${HEIGHT}"
    >
      <title>${describe(kind, bytes, all)}</title>
    </rect>`;
    from += width;
    return bar;
  });
  return html`<svg class="shares" width="100%" height="${HEIGHT}" role="img" aria-label="${words}">
    ${bars}
  </svg>`;
}

/** What the parts of bars mean: those that any of `all` has. */
export function shareLegend(all: readonly StoreShares[]): Markup {
  const found = new Set(all.flatMap(partsOf).map(({ kind }) => kind));
  const kinds = Object.entries(LABELS) as [Kind, string][];
  return html`<ul class="legend">
    ${kinds.map(([kind, label]) =>
      when(found.has(kind), () => html`<li><span class="swatch ${kind}"></span>${label}</li>`),
    )}
  </ul>`;
}

/** Those that there are. They add up to the bytes of the images. */
function partsOf(shares: StoreShares): readonly Part[] {
  const { logicalBytes, zeroBytes, missingBytes, duplicateBytes, newBytes, storedBytes } = shares;
  if (duplicateBytes === null || newBytes === null || storedBytes === null) {
    const parts: Part[] = [
      { kind: 'zero', bytes: zeroBytes },
      { kind: 'unknown', bytes: logicalBytes - zeroBytes - missingBytes },
      { kind: 'missing', bytes: missingBytes },
    ];
    return parts.filter(({ bytes }) => bytes > 0);
  }
  // What does not shrink is stored with a few bytes more.
  const kept = Math.min(newBytes, storedBytes);
  const parts: Part[] = [
    { kind: 'zero', bytes: zeroBytes },
    { kind: 'duplicate', bytes: duplicateBytes },
    { kind: 'compressed', bytes: newBytes - kept },
    { kind: 'stored', bytes: kept },
    { kind: 'missing', bytes: missingBytes },
  ];
  return parts.filter(({ bytes }) => bytes > 0);
}

function describe(kind: Kind, bytes: number, all: number): string {
  return `${LABELS[kind]} ${formatSize(bytes)} (${shareWords(bytes, all)})`;
}
