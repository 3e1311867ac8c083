import { formatSize } from '../base/units.ts';
import { failureTable } from './html-tables.ts';
import { html, when } from './markup.ts';
import { curveScripts, head, section, tileList } from './page.ts';
import { plannedNodeTable, transferTable } from './plan-tables.ts';
import { ourPlan, planRemarks, planWords } from './plan-words.ts';
import { simulatedTimes, simulationCurves, simulationPlot } from './simulated-releases.ts';
import { SIMULATION_STYLE } from './simulation-style.ts';
import { momentWords, timesWords } from './simulation-words.ts';
import type { Markup } from './markup.ts';
import type { Tile } from './page.ts';
import type { PlanReport } from './plan-record.ts';

/** A forecast as one self-contained HTML page in the style of the run report. */
export function renderPlanPage(report: PlanReport): string {
  const curves = simulationCurves(report);
  const page = html`<!doctype html>
    <html lang="en">
      ${head({ title: 'Kget+ forecast', style: SIMULATION_STYLE })}
      <body>
        ${banner(report)} ${tileList(tiles(report))}
        <main>
          ${when(report.failures.length > 0, () => section('Failures', failureTable(report.failures)))}
          ${section('What was found', facts(report))}
          ${section('Nodes released over time', simulationPlot(report, curves))}
          ${section('When nodes are released', simulatedTimes(report))}
          ${section('Order of transfers', transferTable(report))}
          ${section('Nodes', plannedNodeTable(report))}
        </main>
        ${footer()} ${curveScripts(curves)}
      </body>
    </html>`;
  return `${page.markup}\n`;
}

function banner({ nodes, missingNodes, images }: PlanReport): Markup {
  const asked = nodes.length + missingNodes.length;
  return html`<header>
    <h1>Kget+ forecast</h1>
    <p>
      ${nodes.length} of ${asked} nodes, ${images.length} images · computed from what the nodes
      told, nothing was moved
    </p>
  </header>`;
}

function tiles(report: PlanReport): Tile[] {
  const ours = ourPlan(report);
  if (ours === undefined) return [];
  const { times, timesBound, frontendBytes } = ours;
  const logicalBytes = report.images.reduce((sum, image) => sum + image.sizeBytes, 0);
  return [
    {
      title: 'Mean release',
      value: momentWords(times.meanReleaseSeconds),
      detail: beside(timesBound.meanRelease),
    },
    {
      title: '80 % of the nodes released after',
      value: momentWords(times.t80Seconds),
      detail: beside(timesBound.t80),
    },
    {
      title: 'All images there after',
      value: momentWords(times.makespanSeconds),
      detail: `${formatSize(frontendBytes)} of ${formatSize(logicalBytes)} over the frontend's link`,
    },
  ];
}

function beside(factor: number | null): string {
  return `${timesWords(factor)} the bound's`;
}

function facts(report: PlanReport): Markup {
  return html`<dl class="facts">
      ${planWords(report).map(
        ([name, words]) =>
          html`<dt>${name}</dt>
            <dd>${words}</dd>`,
      )}
      <dt>Command</dt>
      <dd><code>${report.command}</code></dd>
    </dl>
    ${planRemarks(report).map((remark) => html`<p class="note">${remark}</p>`)}`;
}

/** Kget+, the others, and the bound last. */
function footer(): Markup {
  return html`<footer>
    What this leaves out: hashing, syncing, compression, headers and losses on the network, disks,
    earlier versions of images on the frontend, and whatever else runs on nodes and frontend. Links
    share their rates fairly among the transfers that use them. The planner is the one of real runs.
  </footer>`;
}
