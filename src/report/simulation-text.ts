import { tableLines, WIDTH, wrapLines } from './table.ts';
import { FIGURES, momentWords, remarks, settingWords, timesWords } from './simulation-words.ts';
import type { SimulationReport, StrategyRecord } from './simulation-record.ts';

/** What a terminal shows of a simulation: what was simulated, times, and times the bound's. */
export function renderSimulationText(report: SimulationReport): string {
  const { inputs, bound, strategies } = report;
  const setting = settingWords(inputs).map(([name, words]) => `${name}: ${words}.`);
  const sections = [
    wrapLines(`Simulated, not measured. ${setting.join(' ')}`, WIDTH),
    figureTable('Nodes released', [
      ['bound', FIGURES.map(({ field }) => momentWords(bound.times[field]))],
      ...strategies.map(timesRow),
    ]),
    figureTable("Times the bound's", strategies.map(factorRow)),
    remarks(report).flatMap((remark) => wrapLines(remark, WIDTH)),
  ];
  const filled = sections.filter((lines) => lines.length > 0);
  return `${filled.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

type FigureRow = readonly [name: string, figures: readonly string[]];

function timesRow({ name, times }: StrategyRecord): FigureRow {
  return [name, FIGURES.map(({ field }) => momentWords(times[field]))];
}

function factorRow({ name, timesBound }: StrategyRecord): FigureRow {
  return [name, FIGURES.map(({ factor }) => timesWords(timesBound[factor]))];
}

function figureTable(title: string, rows: readonly FigureRow[]): string[] {
  const figures = FIGURES.map((figure) => ({ title: figure.title, align: 'right' as const }));
  return tableLines(
    [{ title, align: 'left' }, ...figures],
    rows.map((row) => row.flat()),
  );
}
