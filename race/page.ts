import { html, when } from '../src/report/markup.ts';
import { curveScripts, formatDate, head, section, tileList } from '../src/report/page.ts';
import { raceFigures } from './figures.ts';
import { plotCurves, racePlot } from './page-plot.ts';
import { RACE_STYLE } from './page-style.ts';
import {
  absentTable,
  commandTable,
  costTable,
  failureTable,
  sinceUpTable,
  whenTable,
} from './page-tables.ts';
import { comparisonWords, inSeconds, number, setting, size } from './words.ts';
import type { Markup } from '../src/report/markup.ts';
import type { Tile } from '../src/report/page.ts';
import type { PlotCurve } from '../src/report/svg-curve.ts';
import type { ComparedFigure, RaceFigures } from './figures.ts';
import type { RaceRecord } from './record.ts';

/** A race as one self-contained HTML page in the style of the run report. */
export function renderRacePage(record: RaceRecord): string {
  const figures = raceFigures(record);
  const curves = plotCurves(figures);
  const page = html`<!doctype html>
    <html lang="en">
      ${head({ title: `Kget+ race ${record.profile}`, style: RACE_STYLE })}
      <body>
        ${banner(record)} ${tileList(tiles(figures))}
        <main>
          ${section('What was measured', facts(record, figures))}
          ${section('Nodes released over time', plot(record, figures, curves))}
          ${section('When nodes could be given back', times(record, figures))}
          ${section('What it cost', costs(figures))} ${mishaps(record, figures)}
          ${section('How each was called', commandTable(figures.contenders))}
        </main>
        ${footer()} ${curveScripts(curves)}
      </body>
    </html>`;
  return `${page.markup}\n`;
}

function banner({ profile, lab, startedAt, machine }: RaceRecord): Markup {
  return html`<header>
    <h1>Kget+ and its rivals: race ${profile}</h1>
    <p>${lab.nodes} nodes · ${formatDate(startedAt)} · commit ${machine.commit ?? 'unknown'}</p>
  </header>`;
}

/** The headline: Kget+ as it comes, that is its first contender, beside the best rivals. */
function tiles({ contenders, comparisons }: RaceFigures): Tile[] {
  const ours = contenders.find((figures) => figures.isOurs);
  if (ours === undefined) return [];
  const against = (figure: ComparedFigure) => {
    const comparison = comparisons.find(
      (candidate) => candidate.contender === ours.contender && candidate.figure === figure,
    );
    return comparison === undefined ? '' : comparisonWords(comparison);
  };
  const complete = contenders.filter(({ identical, nodes }) => identical === nodes).length;
  return [
    {
      title: 'Mean release',
      value: inSeconds(ours.meanReleaseSeconds),
      detail: against('meanReleaseSeconds'),
    },
    {
      title: 'Half of the nodes released after',
      value: inSeconds(ours.t50Seconds),
      detail: against('t50Seconds'),
    },
    {
      title: '80 % of the nodes released after',
      value: inSeconds(ours.t80Seconds),
      detail: against('t80Seconds'),
    },
    {
      title: 'All images there after',
      value: inSeconds(ours.allDoneSeconds),
      detail: `${against('allDoneSeconds')}; ${number(ours.allDoneToLimit)} × the link's limit`,
    },
    {
      title: "Over the frontend's link",
      value: size(ours.frontendBytes),
      detail: `${against('frontendBytes')}; ${number(ours.frontendBytesToLogical)} × the images`,
    },
    {
      title: 'Images that arrived unchanged',
      value: `${ours.identical} of ${ours.nodes}`,
      detail: `${complete} of ${contenders.length} contenders brought all`,
    },
  ];
}

function facts(record: RaceRecord, figures: RaceFigures): Markup {
  return html`<dl class="facts">
    ${setting(record, figures).map(
      ([name, words]) =>
        html`<dt>${name}</dt>
          <dd>${words}</dd>`,
    )}
  </dl>`;
}

function plot(record: RaceRecord, figures: RaceFigures, curves: readonly PlotCurve[]): Markup {
  const several = figures.contenders.some(({ rounds }) => rounds > 1);
  return html`${racePlot(record, figures, curves)}
  ${when(
    several,
    () => html`<p class="note">Of several rounds, the one with the median mean release.</p>`,
  )}`;
}

function times({ link }: RaceRecord, { contenders }: RaceFigures): Markup {
  const started = contenders.filter((figures) => figures.agentsUpSeconds !== null);
  return html`<div class="times">${whenTable(contenders)}</div>
    <p class="note">
      From the start of the command. 50 %, 80 %: from when on so many nodes were released. τ: the
      time of the largest image over one link, ${inSeconds(link.slotSeconds)}. Limit: the time of
      all images over the frontend's link, ${inSeconds(link.limitSeconds)}.
    </p>
    ${when(
      started.length > 0,
      () =>
        html`<h3>From the moment when all agents were up</h3>
          <div class="times">${sinceUpTable(started)}</div>`,
    )}`;
}

function costs({ contenders }: RaceFigures): Markup {
  return html`<div class="times">${costTable(contenders)}</div>
    <p class="note">
      × unique: bytes over the link by the size of all different chunks, compressed. Senders: most
      nodes that sent to the frontend at the same instant. Memory: the greatest sum over all
      processes of a side.
    </p>`;
}

function mishaps({ absent }: RaceRecord, { failures }: RaceFigures): Markup {
  return html`${when(failures.length > 0, () => section('Failures', failureTable(failures)))}
  ${when(absent.length > 0, () => section('Not in this race', absentTable(absent)))}`;
}

function footer(): Markup {
  return html`<footer>
    A rival's node counts as released when its image is complete on the frontend, Kget+'s when the
    run says so; either only if the image is there in the end, byte for byte. What this cannot show:
    all nodes and the frontend share one machine's processors and memory, so that ratios hold better
    than seconds, and starting something on all nodes is slower than on a cluster; the links have no
    latency or loss of their own, as networks do; other images, links and disks give other figures.
  </footer>`;
}
