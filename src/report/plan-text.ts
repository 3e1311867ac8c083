import { formatSeconds, formatSize } from '../base/units.ts';
import { inOrderOfRelease, kindOf, planRemarks, planWords } from './plan-words.ts';
import { FIGURES, momentWords } from './simulation-words.ts';
import { tableLines, WIDTH, wrapLines, type Column } from './table.ts';
import { cutList, failureLines, type TextOptions } from './text.ts';
import type { PlannedBound, PlanReport } from './plan-record.ts';

/** Rows of a list that are printed unless all are asked for. */
const MAX_ROWS = 20;
const MAX_IMAGE_WIDTH = 30;
const MAX_ROUTE_WIDTH = 26;

/** What a terminal shows of a forecast: what it is for, times, transfers, nodes, failures. */
export function renderPlanText(report: PlanReport, options: TextOptions = {}): string {
  const sections = [
    setting(report),
    times(report),
    planRemarks(report).flatMap((remark) => wrapLines(remark, WIDTH)),
    transfers(report, options),
    nodes(report, options),
    failureLines(report, options),
  ];
  const filled = sections.filter((lines) => lines.length > 0);
  return `${filled.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function setting(report: PlanReport): string[] {
  if (report.images.length === 0) return ['No image was found: there is nothing to foresee.'];
  const words = planWords(report).map(([name, text]) => `${name}: ${text}.`);
  return wrapLines(`Foreseen, nothing was moved. ${words.join(' ')}`, WIDTH);
}

function times({ strategies, bound }: PlanReport): string[] {
  if (strategies.length === 0) return [];
  return tableLines(
    [left('Nodes released'), ...FIGURES.map(({ title }) => right(title)), right('to frontend')],
    [...strategies.map((strategy) => timesRow(strategy.name, strategy)), timesRow('bound', bound)],
  );
}

function timesRow(name: string, { times: own, frontendBytes }: PlannedBound): string[] {
  const moments = FIGURES.map(({ field }) => momentWords(own[field]));
  return [name, ...moments, formatSize(frontendBytes)];
}

function transfers({ transfers: all }: PlanReport, options: TextOptions): string[] {
  if (all.length === 0) return [];
  const { shown, rest } = cutList(all, { ...options, maxRows: MAX_ROWS });
  const rows = shown.map((transfer) => [
    formatSeconds(transfer.startSeconds),
    formatSeconds(transfer.endSeconds),
    transfer.image,
    `${transfer.from} -> ${transfer.to}`,
    formatSize(transfer.bytes),
    kindOf(transfer),
  ]);
  const lines = tableLines(
    [
      right('start'),
      right('end'),
      { ...left('image'), maxWidth: MAX_IMAGE_WIDTH },
      { ...left('from -> to'), maxWidth: MAX_ROUTE_WIDTH },
      right('size'),
      left(''),
    ],
    rows,
  );
  return [`Transfers: ${all.length}`, ...lines, ...rest.map(withAdvice)];
}

function nodes({ nodes: all }: PlanReport, options: TextOptions): string[] {
  if (all.length === 0) return [];
  const { shown, rest } = cutList(inOrderOfRelease(all), { ...options, maxRows: MAX_ROWS });
  const lines = tableLines(
    [
      right('released'),
      { ...left('node'), maxWidth: MAX_IMAGE_WIDTH },
      right('data'),
      right('room'),
    ],
    shown.map(({ node, releasedSeconds, dataBytes, roomBytes }) => [
      momentWords(releasedSeconds),
      node,
      formatSize(dataBytes),
      formatSize(roomBytes),
    ]),
  );
  return [`Nodes in the order of their release: ${all.length}`, ...lines, ...rest.map(withAdvice)];
}

function withAdvice(text: string): string {
  return `${text}; --transfers shows all`;
}

function left(title: string): Column {
  return { title, align: 'left' };
}

function right(title: string): Column {
  return { title, align: 'right' };
}
