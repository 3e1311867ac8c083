import { banner, figures, footer, head, timelineLegend } from './html-frame.ts';
import { failureTable, imageTable, nodeTable, releaseTable } from './html-tables.ts';
import { html, scriptJson, trusted, when } from './markup.ts';
import { nodeRows } from './node-rows.ts';
import { SCRIPT } from './script.ts';
import { releaseCurve, releaseSeconds } from './summary.ts';
import { curvePlot } from './svg-curve.ts';
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
      ${head(report)}
      <body>
        ${banner(report)} ${figures(report)}
        <main>${sections(report, curves)}</main>
        ${footer()} ${scripts(curves)}
      </body>
    </html>`;
  return `${page.markup}\n`;
}

function sections(report: RunReport, curves: readonly ReleaseCurve[]): Markup {
  const { transfers, seconds, images, failures, summary } = report;
  const nodes = nodeRows(report);
  return html`${when(failures.length > 0, () => section('Failures', failureTable(failures)))}
  ${section(
    'Nodes released over time',
    html`${curvePlot(report, curves)} ${releaseTable(summary)}`,
  )}
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

function section(title: string, content: Markup): Markup {
  return html`<section>
    <h2>${title}</h2>
    ${content}
  </section>`;
}

function scripts(curves: readonly ReleaseCurve[]): Markup {
  const points = curves.map((curve) => curve.points.map(({ seconds, share }) => [seconds, share]));
  return html`<script type="application/json" id="curves">
      ${scriptJson(points)}
    </script>
    ${trusted(`<script>${SCRIPT}</script>`)}`;
}
