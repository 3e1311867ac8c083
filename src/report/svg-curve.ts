import { formatShare, formatMoment } from './rivals.ts';
import { html } from './markup.ts';
import { axisTitle, percent, position, timeAxis } from './time-axis.ts';
import type { Markup } from './markup.ts';
import type { ReleaseCurve, RunReport } from './record.ts';
import type { TimeAxis } from './time-axis.ts';

/** Kinds of lines that the style sheet tells apart by colour and by dashes. */
const RIVAL_STYLES = 4;
const SHARES = [0, 0.25, 0.5, 0.75, 1];

/**
 * The plot "share of nodes released over time". `curves[0]` is the measured one. A curve keeps its
 * last share until its next point. All positions are percents: text never scales with the picture.
 */
export function curvePlot(report: RunReport, curves: readonly ReleaseCurve[]): Markup {
  const axis = timeAxis(
    Math.max(report.seconds, ...curves.map((curve) => curve.points.at(-1)?.seconds ?? 0)),
  );
  // Drawn last is on top: the measured curve.
  const lines = curves.map((curve, index) => curveLine(axis, curve, index)).toReversed();
  return html`<figure class="curve">
    ${legend(curves)}
    <div class="plot" data-max="${axis.maxSeconds}">
      <svg role="img" aria-labelledby="curve-title curve-desc" width="100%" height="100%">
        <title id="curve-title">Share of nodes released over time</title>
        <desc id="curve-desc">${description(report)}</desc>
        ${grid(axis)}
        <svg viewBox="0 0 1000 1000" preserveAspectRatio="none" width="100%" height="100%">
          ${lines}
        </svg>
        ${markers(axis, report)}
        <line class="cursor" x1="0" x2="0" y1="0" y2="100%" visibility="hidden" />
      </svg>
    </div>
    <figcaption>${axisTitle(axis)}</figcaption>
  </figure>`;
}

/** The class that a curve is drawn with: `c0` for the measured one. */
function styleOf(index: number): string {
  return index === 0 ? 'c0' : `c${((index - 1) % RIVAL_STYLES) + 1}`;
}

function legend(curves: readonly ReleaseCurve[]): Markup {
  const entries = curves.map(
    (curve, index) =>
      html`<li>
        <svg class="key" aria-hidden="true">
          <line class="${styleOf(index)}" x1="0" x2="100%" y1="50%" y2="50%" />
        </svg>
        ${curve.name} <output data-curve="${index}"></output>
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

/** A line of steps from (0 s, 0); the measured curve goes on to the end of the axis. */
function curveLine(axis: TimeAxis, curve: ReleaseCurve, index: number): Markup {
  let path = 'M0 1000';
  let last = { x: 0, y: 1000 };
  const end = index === 0 ? [{ seconds: axis.maxSeconds, share: null }] : [];
  for (const { seconds, share } of [...curve.points, ...end]) {
    const x = Math.round(percent(axis, seconds) * 100) / 10;
    const y = share === null ? last.y : Math.round((1 - share) * 10_000) / 10;
    if (x !== last.x) path += `H${x}`;
    if (y !== last.y) path += `V${y}`;
    last = { x, y };
  }
  return html`<path class="${styleOf(index)}" d="${path}" />`;
}

/** Points on the measured curve where half and four fifths of the nodes were released. */
function markers(axis: TimeAxis, { summary }: RunReport): Markup {
  const reached = [
    { share: 0.5, seconds: summary.t50Seconds },
    { share: 0.8, seconds: summary.t80Seconds },
  ];
  return html`${reached.flatMap(({ share, seconds }) => {
    if (seconds === null) return [];
    const x = position(axis, seconds);
    const y = `${(1 - share) * 100}%`;
    const isRight = seconds > axis.maxSeconds * 0.6;
    return html`<circle class="marker" cx="${x}" cy="${y}" r="5" />
      <text
        class="marker-label"
        x="${x}"
        y="${y}"
        dx="${isRight ? -12 : 12}"
        dy="${isRight ? -6 : 16}"
        text-anchor="${isRight ? 'end' : 'start'}"
      >
        ${formatShare(share)} after ${formatMoment(seconds)}
      </text>`;
  })}`;
}

function description({ nodes, summary }: RunReport): string {
  const { t50Seconds, t80Seconds, t100Seconds } = summary;
  const [half, most, all] = [t50Seconds, t80Seconds, t100Seconds].map((seconds) =>
    formatMoment(seconds, 'never'),
  );
  return (
    `Of ${nodes.length} nodes, 50 % were released by ${half}, ` +
    `80 % by ${most} and all by ${all}. ` +
    'The table below has the figures of the other curves.'
  );
}
