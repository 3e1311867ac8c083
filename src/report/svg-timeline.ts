import { formatSeconds } from '../base/units.ts';
import { html, when } from './markup.ts';
import { FRONTEND_NAME } from './names.ts';
import { gapOf, transferBars } from './svg-bars.ts';
import { axisTitle, percent, position, timeAxis } from './time-axis.ts';
import type { Markup } from './markup.ts';
import type { NodeRow } from './node-rows.ts';
import type { TransferReport } from './record.ts';
import type { TimeAxis } from './time-axis.ts';

/** Rows that are drawn at most; the table names all nodes. */
export const MAX_TIMELINE_ROWS = 500;
/** Heights in CSS pixels: rows share the comfortable height until they get too thin. */
const COMFORTABLE_HEIGHT = 640;
const ROW_HEIGHT = { least: 3, most: 24 };
const LABEL_HEIGHT = 13;

export interface TimelineInput {
  /** In the order of the rows. */
  readonly nodes: readonly NodeRow[];
  readonly transfers: readonly TransferReport[];
  readonly seconds: number;
}

/**
 * The plot of transfers: one row a node and one for the frontend, sends above receives, and a track
 * that lasts for as long as the node was needed.
 */
export function timelinePlot({ nodes, transfers, seconds }: TimelineInput): Markup {
  const shown = nodes.slice(0, MAX_TIMELINE_ROWS);
  const axis = timeAxis(
    transfers.reduce((most, transfer) => Math.max(most, transfer.endSeconds), seconds),
  );
  const room = Math.floor(COMFORTABLE_HEIGHT / (shown.length + 1));
  const height = Math.min(ROW_HEIGHT.most, Math.max(ROW_HEIGHT.least, room));
  const rows = rowsOf(shown, height);
  const tops = new Map(rows.map(({ node, top }) => [node.node, top]));
  tops.set(FRONTEND_NAME, 0);
  const total = (shown.length + 1) * height;
  return html`<figure>
    <div class="timeline" tabindex="0" role="group" aria-label="Timeline, scrolls">
      <svg class="axis" aria-hidden="true" width="100%" height="20">${axisLabels(axis)}</svg>
      <svg role="img" aria-labelledby="line-title line-desc" width="100%" height="${total}">
        <title id="line-title">Transfers of each node over time</title>
        <desc id="line-desc">
          One row for the frontend, then one per node in the order of release: sends in the upper
          half of a row, receives in the lower half, and a mark at the moment of release.
        </desc>
        ${axis.ticks.map((tick) => {
          const x = position(axis, tick.seconds);
          return html`<line class="grid" x1="${x}" x2="${x}" y1="0" y2="100%" />`;
        })}
        ${labelAt({ name: FRONTEND_NAME, label: FRONTEND_NAME, middle: height / 2 })}
        ${rows.map((row) => html`${track(axis, row)}${rowLabel(row)}`)}
        ${transfers.map((transfer) => transferBars(axis, transfer, { tops, height }))}
        ${rows.map((row) => releaseMark(axis, row))}
      </svg>
    </div>
    <figcaption>${axisTitle(axis)}</figcaption>
  </figure>`;
}

interface Row {
  readonly node: NodeRow;
  /** CSS pixels from the top of the plot. */
  readonly top: number;
  readonly height: number;
  readonly isLabelled: boolean;
}

/** Rows below the frontend's, which is at 0; where rows are thin only some have a label. */
function rowsOf(nodes: readonly NodeRow[], height: number): Row[] {
  const labelEvery = Math.ceil(LABEL_HEIGHT / height);
  return nodes.map((node, index) => {
    const place = index + 1;
    return { node, top: place * height, height, isLabelled: place % labelEvery === 0 };
  });
}

function axisLabels(axis: TimeAxis): Markup {
  return html`${axis.ticks.map(
    ({ seconds, label, minor }) =>
      html`<text
        class="tick${minor ? ' minor' : ''}"
        x="${position(axis, seconds)}"
        y="13"
        text-anchor="middle"
      >
        ${label}
      </text>`,
  )} `;
}

function rowLabel({ node, top, height, isLabelled }: Row): Markup {
  const label = { name: node.node, label: node.label, middle: top + height / 2 };
  return when(isLabelled, () => labelAt(label));
}

function labelAt(place: { name: string; label: string; middle: number }): Markup {
  return html`<text class="row-label" x="-8" y="${place.middle}" dy="4" text-anchor="end">
    ${place.label} <title>${place.name}</title>
  </text>`;
}

/** The time from a node's agent being up to its release, or to the end of the axis. */
function track(axis: TimeAxis, { node, top, height }: Row): Markup {
  const { releasedSeconds, state } = node;
  const from = percent(axis, node.readySeconds ?? 0);
  const to = percent(axis, releasedSeconds ?? axis.maxSeconds);
  const gap = gapOf(height);
  const until =
    releasedSeconds === null
      ? `not released (${state})`
      : `released at ${formatSeconds(releasedSeconds)}`;
  return html`<rect
    class="${releasedSeconds === null ? 'track lost' : 'track'}"
    x="${from}%"
    y="${top + gap}"
    width="${Math.max(0, to - from).toFixed(2)}%"
    height="${height - 2 * gap}"
  >
    <title>${node.node}: ${until}</title>
  </rect>`;
}

function releaseMark(axis: TimeAxis, { node, top, height }: Row): Markup {
  if (node.releasedSeconds === null) return html``;
  const x = position(axis, node.releasedSeconds);
  return html`<line class="release" x1="${x}" x2="${x}" y1="${top}" y2="${top + height}" />`;
}
