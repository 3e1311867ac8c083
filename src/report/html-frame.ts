import { formatSeconds, formatSize } from '../base/units.ts';
import { html } from './markup.ts';
import { formatDate, tileList } from './page.ts';
import { formatMoment, formatShare, formatSooner } from './rivals.ts';
import { savings, verdictOf } from './summary.ts';
import type { Markup } from './markup.ts';
import type { RunReport } from './record.ts';

/** The run's name, when it was, and how it ended. */
export function banner(report: RunReport): Markup {
  const { run, startedAt, seconds, nodes } = report;
  return html`<header>
    <h1>Kget+ run ${run}</h1>
    <p>
      ${verdict(report)} · ${nodes.length} nodes · ${formatDate(startedAt)} ·
      ${formatSeconds(seconds)}
    </p>
  </header>`;
}

function verdict(report: RunReport): Markup {
  const { isComplete, text } = verdictOf(report);
  const sentence = `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
  if (isComplete) return html`<span class="verdict good">✓ ${sentence}</span>`;
  return html`<span class="verdict bad">✕ ${sentence}</span>`;
}

/** The headline figures. */
export function figures(report: RunReport): Markup {
  const { frontend, nodes, summary } = report;
  const { t50Seconds, t80Seconds, t100Seconds, meanReleaseSeconds, allAtOnce } = summary;
  const released = nodes.filter((node) => node.state === 'released').length;
  const against = (measured: number | null, rival: number | null) =>
    measured === null || rival === null
      ? `${released} of ${nodes.length} nodes were released`
      : `${formatSooner(measured, rival)} sooner than all at once`;
  const saved = savings(report).savedBytes;
  return tileList([
    {
      title: 'Half of the nodes released after',
      value: formatMoment(t50Seconds, 'not reached'),
      detail: against(t50Seconds, allAtOnce.t50Seconds),
    },
    {
      title: '80 % of the nodes released after',
      value: formatMoment(t80Seconds, 'not reached'),
      detail: against(t80Seconds, allAtOnce.t80Seconds),
    },
    {
      title: 'Mean release',
      value: formatMoment(meanReleaseSeconds, 'not reached'),
      detail: against(meanReleaseSeconds, allAtOnce.meanReleaseSeconds),
    },
    {
      title: 'All nodes released after',
      value: formatMoment(t100Seconds, 'not reached'),
      detail: `${released} of ${nodes.length} nodes`,
    },
    {
      title: "Over the frontend's link",
      value: formatSize(summary.frontendWireBytes),
      detail: `of ${formatSize(summary.logicalBytes)} in images, ${formatSize(saved)} saved`,
    },
    {
      title: "Frontend's link busy",
      value: formatShare(frontend.busyFraction),
      detail: `at most ${frontend.maxSenders} sending, ${frontend.sendersAllowed} allowed`,
    },
  ]);
}

/** What the bars of the timeline mean. */
export function timelineLegend(): Markup {
  const entries = [
    { kind: 'up', label: 'to the frontend' },
    { kind: 'peer', label: 'to another node' },
    { kind: 'in', label: 'received from another node' },
    { kind: 'failed', label: 'failed transfer' },
    { kind: 'track', label: 'still needed' },
    { kind: 'lost', label: 'not released' },
    { kind: 'release', label: 'released' },
  ];
  return html`<ul class="legend">
    ${entries.map(({ kind, label }) => html`<li><span class="swatch ${kind}"></span>${label}</li>`)}
  </ul>`;
}

/** What the curves are compared with, in a line each. */
export function footer(): Markup {
  return html`<footer>
    Bound: no schedule can release nodes sooner with the same bytes and links. Serial: one node
    after the other copies whole images. All at once: every node does so from the start. Times count
    from the start of the command.
  </footer>`;
}
