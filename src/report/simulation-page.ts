import { keepUnits } from './html-tables.ts';
import { html } from './markup.ts';
import { curveScripts, head, section, tileList } from './page.ts';
import { simulatedTimes, simulationCurves, simulationPlot } from './simulated-releases.ts';
import { SIMULATION_STYLE } from './simulation-style.ts';
import { strategyTable } from './simulation-tables.ts';
import { momentWords, remarks, settingWords, timesWords } from './simulation-words.ts';
import type { Markup } from './markup.ts';
import type { Tile } from './page.ts';
import type { SimulationReport } from './simulation-record.ts';

/** A simulation as one self-contained HTML page in the style of the run report. */
export function renderSimulationPage(report: SimulationReport): string {
  const curves = simulationCurves(report);
  const page = html`<!doctype html>
    <html lang="en">
      ${head({ title: 'Kget+ simulation', style: SIMULATION_STYLE })}
      <body>
        ${banner(report)} ${tileList(tiles(report))}
        <main>
          ${section('What was simulated', facts(report))}
          ${section('Nodes released over time', simulationPlot(report, curves))}
          ${section('When nodes are released', releases(report))}
          ${section('What each does', strategyTable(report.strategies))}
        </main>
        ${footer()} ${curveScripts(curves)}
      </body>
    </html>`;
  return `${page.markup}\n`;
}

function banner({ inputs: { nodes } }: SimulationReport): Markup {
  return html`<header>
    <h1>Kget+ and its rivals, simulated</h1>
    <p>${nodes} node${nodes === 1 ? '' : 's'} · computed from a model, not measured</p>
  </header>`;
}

/** The headline: the first strategy beside the bound. */
function tiles({ strategies, bound }: SimulationReport): Tile[] {
  const [first] = strategies;
  if (first === undefined) return [];
  const { times: own, timesBound } = first;
  return [
    {
      title: `Mean release with ${first.name}`,
      value: momentWords(own.meanReleaseSeconds),
      detail: beside(timesBound.meanRelease, bound.times.meanReleaseSeconds),
    },
    {
      title: '80 % of the nodes released after',
      value: momentWords(own.t80Seconds),
      detail: beside(timesBound.t80, bound.times.t80Seconds),
    },
    {
      title: 'All images there after',
      value: momentWords(own.makespanSeconds),
      detail: beside(timesBound.makespan, bound.times.makespanSeconds),
    },
  ];
}

function beside(factor: number | null, boundSeconds: number | null): string {
  return keepUnits(`${timesWords(factor)} the bound's ${momentWords(boundSeconds)}`);
}

function facts({ inputs, command }: SimulationReport): Markup {
  return html`<dl class="facts">
    ${settingWords(inputs).map(
      ([name, words]) =>
        html`<dt>${name}</dt>
          <dd>${words}</dd>`,
    )}
    <dt>Command</dt>
    <dd><code>${command}</code></dd>
  </dl>`;
}

function releases(report: SimulationReport): Markup {
  return html`${simulatedTimes(report)}
  ${remarks(report).map((remark) => html`<p class="note">${remark}</p>`)}`;
}

function footer(): Markup {
  return html`<footer>
    What this leaves out: connecting, hashing and syncing, headers and losses on the network, one
    disk that reads and writes at once, processors, and whatever else runs on nodes and frontend.
    Links and disks share their rates fairly among the transfers that use them. The planner is the
    one of real runs.
  </footer>`;
}
