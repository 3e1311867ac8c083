import { banner, figures, footer, timelineLegend } from './html-frame.ts';
import { failureTable, imageTable, nodeTable, releaseTable } from './html-tables.ts';
import { html, when } from './markup.ts';
import { nodeRows } from './node-rows.ts';
import { curveScripts, head, section } from './page.ts';
import { runPlot } from './run-plot.ts';
import { releaseCurve, releaseSeconds } from './summary.ts';
import { MAX_TIMELINE_ROWS, timelinePlot } from './svg-timeline.ts';
import type { Markup } from './markup.ts';
import type { ReleaseCurve, RunReport } from './record.ts';

/**
 * The report as one self-contained HTML page. `rivals` are the curves that the measured one is
 * compared with (bound, serial, all at once, in this order for the usual colours); each keeps its
 * last share until its next point.
 */
export function renderHtml(report: RunReport, rivals: readonly ReleaseCurve[]): string {
  const curves = [releaseCurve('measured', releaseSeconds(report.nodes)), ...rivals];
  const page = html`<!doctype html>
    <html lang="en">
      ${head({ title: `Kget+ run ${report.run}` })}
      <body>
        ${banner(report)} ${figures(report)}
        <main>${sections(report, curves)}</main>
        ${footer()} ${curveScripts(curves)}
      </body>
    </html>`;
  return `${page.markup}\n`;
}

function sections(report: RunReport, curves: readonly ReleaseCurve[]): Markup {
  const { transfers, seconds, images, failures, summary } = report;
  const nodes = nodeRows(report);
  return html`${when(failures.length > 0, () => section('Failures', failureTable(failures)))}
  ${section('Nodes released over time', html`${runPlot(report, curves)} ${releaseTable(summary)}`)}
  ${section(
    'What each node sent and received',
    html`${timelineLegend()} ${timelinePlot({ nodes, transfers, seconds })}
    ${when(
      nodes.length > MAX_TIMELINE_ROWS,
      () => html`<p class="note">Only the first ${MAX_TIMELINE_ROWS} nodes are drawn.</p>`,
    )}`,
  )}
  ${section('Nodes', nodeTable(nodes))} ${section('Images', imageTable(images))}`;
}
