import { html, when } from './markup.ts';
import { axisTitle, percent, position, timeAxis } from './time-axis.ts';
import type { Markup } from './markup.ts';
import type { ReleaseCurve } from './record.ts';
import type { TimeAxis } from './time-axis.ts';

const SHARES = [0, 0.25, 0.5, 0.75, 1];

/** A curve, which keeps its last share until its next point. */
export interface PlotCurve extends ReleaseCurve {
  /** The class that gives the line its colour, its width and its dashes. */
  readonly style: string;
  /** Whether the line goes on from its last point to the end of the axis. */
  readonly isExtended: boolean;
}

/** A point on a curve, with words beside it. */
export interface PlotPoint {
  readonly seconds: number;
  readonly share: number;
  readonly label: string;
  /** The words are the name of the curve, of this class, and the point has no circle. */
  readonly name?: { readonly style: string; readonly side: 'left' | 'right' };
}

export interface CurvePlotInput {
  /** In the order of the legend; the first one is drawn on top. */
  readonly curves: readonly PlotCurve[];
  /** What the axis spans at least. */
  readonly spanSeconds: number;
  /** Whatever the span; otherwise what people would use. */
  readonly axisUnit?: 'Seconds';
  readonly points: readonly PlotPoint[];
  /** A moment before which nobody can be done: a vertical line. */
  readonly limit?: { readonly seconds: number; readonly label: string };
  /** The plot in words, for those who do not see it. */
  readonly description: string;
}

/** The plot "share of nodes released over time". All positions are percents: text never scales. */
export function curvePlot(input: CurvePlotInput): Markup {
  const { curves, spanSeconds, limit } = input;
  const ends = curves.map((curve) => curve.points.at(-1)?.seconds ?? 0);
  const axis = timeAxis(Math.max(spanSeconds, limit?.seconds ?? 0, ...ends), input.axisUnit);
  // Drawn last is on top.
  const lines = curves.map((curve) => curveLine(axis, curve)).toReversed();
  return html`<figure class="curve">
    ${legend(curves)}
    <div class="plot" data-max="${axis.maxSeconds}">
      <svg role="img" aria-labelledby="curve-title curve-desc" width="100%" height="100%">
        <title id="curve-title">Share of nodes released over time</title>
        <desc id="curve-desc">${input.description}</desc>
        ${grid(axis)}${limitLine(axis, limit)}
        <svg viewBox="0 0 1000 1000" preserveAspectRatio="none" width="100%" height="100%">
          ${lines}
        </svg>
        ${input.points.map((point) => pointMark(axis, point))}
        <line class="cursor" x1="0" x2="0" y1="0" y2="100%" visibility="hidden" />
      </svg>
    </div>
    <figcaption>${axisTitle(axis)}</figcaption>
  </figure>`;
}

function legend(curves: readonly PlotCurve[]): Markup {
  const entries = curves.map(
    ({ name, style }, index) =>
      html`<li>
        <svg class="key" aria-hidden="true">
          <line class="${style}" x1="0" x2="100%" y1="50%" y2="50%" />
        </svg>
        ${name} <output data-curve="${index}"></output>
      </li>`,
  );
  return html`<ul class="legend">
    ${entries}
    <li class="moment"><output></output></li>
  </ul>`;
}

function grid(axis: TimeAxis): Markup {
  const rows = SHARES.map((share) => {
    const y = `${(1 - share) * 100}%`;
    return html`<line class="grid" x1="0" x2="100%" y1="${y}" y2="${y}" />
      <text class="tick" x="-8" y="${y}" dy="4" text-anchor="end">${share * 100} %</text>`;
  });
  const columns = axis.ticks.map(({ seconds, label, minor }) => {
    const x = position(axis, seconds);
    return html`<line class="grid" x1="${x}" x2="${x}" y1="0" y2="100%" />
      <text class="tick${minor ? ' minor' : ''}" x="${x}" y="100%" dy="18" text-anchor="middle">
        ${label}
      </text>`;
  });
  return html`${rows}${columns}`;
}

/** Its words stand above the plot, where no curve is. */
function limitLine(axis: TimeAxis, limit: CurvePlotInput['limit']): Markup {
  return when(limit !== undefined, () => {
    const { seconds, label } = limit ?? { seconds: 0, label: '' };
    const x = position(axis, seconds);
    const anchor = isOnTheRight(axis, seconds) ? 'end' : 'start';
    return html`<line class="limit" x1="${x}" x2="${x}" y1="-6" y2="100%" />
      <text class="limit-label" x="${x}" y="-10" text-anchor="${anchor}">${label}</text>`;
  });
}

/** A line of steps from (0 s, 0). */
function curveLine(axis: TimeAxis, { points, style, isExtended }: PlotCurve): Markup {
  let path = 'M0 1000';
  let last = { x: 0, y: 1000 };
  const end = isExtended ? [{ seconds: axis.maxSeconds, share: null }] : [];
  for (const { seconds, share } of [...points, ...end]) {
    const x = Math.round(percent(axis, seconds) * 100) / 10;
    const y = share === null ? last.y : Math.round((1 - share) * 10_000) / 10;
    if (x !== last.x) path += `H${x}`;
    if (y !== last.y) path += `V${y}`;
    last = { x, y };
  }
  return html`<path class="${style}" d="${path}" />`;
}

function pointMark(axis: TimeAxis, point: PlotPoint): Markup {
  const { share, seconds, label } = point;
  const x = position(axis, seconds);
  const y = `${(1 - share) * 100}%`;
  if (point.name !== undefined) {
    // Curves rise to the right: what is above on the left or below on the right is clear of them.
    const [dx, dy, anchor] = point.name.side === 'left' ? [-7, -3, 'end'] : [7, 11, 'start'];
    return html`<text
      class="curve-name ${point.name.style}"
      x="${x}"
      y="${y}"
      dx="${dx}"
      dy="${dy}"
      text-anchor="${anchor}"
    >
      ${label}
    </text>`;
  }
  const isRight = isOnTheRight(axis, seconds);
  return html`<circle class="marker" cx="${x}" cy="${y}" r="5" />
    <text
      class="marker-label"
      x="${x}"
      y="${y}"
      dx="${isRight ? -12 : 12}"
      dy="${isRight ? -6 : 16}"
      text-anchor="${isRight ? 'end' : 'start'}"
    >
      ${label}
    </text>`;
}

/** Words beside what lies there go to its left, or they would leave the picture. */
function isOnTheRight(axis: TimeAxis, seconds: number): boolean {
  return seconds > axis.maxSeconds * 0.6;
}
