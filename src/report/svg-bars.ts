import { formatSeconds, formatSize } from '../base/units.ts';
import { html } from './markup.ts';
import { FRONTEND_NAME } from './names.ts';
import { percent } from './time-axis.ts';
import type { Markup } from './markup.ts';
import type { TransferReport } from './record.ts';
import type { TimeAxis } from './time-axis.ts';

/** Percent of the axis: a short transfer stays visible. */
const LEAST_BAR = 0.2;

/** Where rows are: the top of each node's row by name, and the height of all, in CSS pixels. */
export interface Rows {
  readonly tops: ReadonlyMap<string, number>;
  readonly height: number;
}

interface Bar {
  readonly kind: 'up' | 'peer' | 'in';
  readonly top: number;
  readonly height: number;
}

/** The bar at the sender and the one at the receiver, as far as they have rows. */
export function transferBars(axis: TimeAxis, transfer: TransferReport, rows: Rows): Markup {
  const from = percent(axis, transfer.startSeconds);
  const width = Math.max(LEAST_BAR, percent(axis, transfer.endSeconds) - from).toFixed(2);
  const failed = transfer.state === 'failed' ? ' failed' : '';
  const bars = barsOf(transfer, rows).map(
    ({ kind, top, height }) =>
      html`<rect
        class="${kind}${failed}"
        x="${from}%"
        y="${top}"
        width="${width}%"
        height="${height}"
      >
        <title>${describe(transfer)}</title>
      </rect>`,
  );
  return html`${bars}`;
}

/** Sends are in the upper half of a row, receives in the lower; the frontend only receives. */
function barsOf({ from, to }: TransferReport, { tops, height }: Rows): Bar[] {
  const gap = gapOf(height);
  const half = height / 2 - gap;
  const sender = tops.get(from);
  const receiver = tops.get(to);
  const bars: Bar[] = [];
  const isToFrontend = to === FRONTEND_NAME;
  if (sender !== undefined) {
    bars.push({ kind: isToFrontend ? 'up' : 'peer', top: sender + gap, height: half });
  }
  if (receiver !== undefined) {
    bars.push(
      isToFrontend
        ? { kind: 'up', top: receiver + gap, height: 2 * half }
        : { kind: 'in', top: receiver + gap + half, height: half },
    );
  }
  return bars;
}

function describe(transfer: TransferReport): string {
  const { image, from, to, startSeconds, endSeconds, wireBytes, state } = transfer;
  const times = `${formatSeconds(startSeconds)} to ${formatSeconds(endSeconds)}`;
  const failed = state === 'failed' ? ', failed' : '';
  return `${from} → ${to}: ${image}, ${formatSize(wireBytes)}, ${times}${failed}`;
}

/** Room above and below the bars of a row. */
export function gapOf(height: number): number {
  return height >= 12 ? 2 : height >= 8 ? 1 : height >= 5 ? 0.5 : 0;
}
