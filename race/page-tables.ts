import { html, when } from '../src/report/markup.ts';
import { keepUnits, table } from '../src/report/html-tables.ts';
import { shorten } from '../src/report/names.ts';
import { complaintLines, failureWords, inSeconds, number, range, size, whole } from './words.ts';
import type { Heading } from '../src/report/html-tables.ts';
import type { Markup } from '../src/report/markup.ts';
import type { ContenderFigures } from './contender-figures.ts';
import type { HeatFailure } from './figures.ts';
import type { RaceRecord } from './record.ts';

/** Longer commands lose their middle: those that name every node. The record has all of it. */
const MAX_COMMAND = 600;

/** A figure, and smaller below it what it comes to by another measure. */
interface Cell {
  readonly value: string;
  readonly small?: string | undefined;
}

/** When each contender's nodes were released and all images were there. */
export function whenTable(contenders: readonly ContenderFigures[]): Markup {
  const rows = contenders.map((figures) => {
    const { identical, nodes, rounds } = figures;
    const allRounds = rounds > 1 ? `, ${range(figures)} s` : '';
    return contenderRow(figures, [
      { value: `${identical}/${nodes}` },
      timed(figures.meanReleaseSeconds, slots(figures.meanReleaseSlots)),
      timed(figures.t50Seconds, slots(figures.t50Slots)),
      timed(figures.t80Seconds, slots(figures.t80Slots)),
      timed(figures.allDoneSeconds, `${limit(figures.allDoneToLimit)}${allRounds}`),
    ]);
  });
  return table(headings(['Identical', 'Mean release', '50 %', '80 %', 'All done']), rows);
}

/** As `whenTable`, from the moment when all agents were up; only Kget+ says when that was. */
export function sinceUpTable(contenders: readonly ContenderFigures[]): Markup {
  const rows = contenders.map((figures) =>
    contenderRow(figures, [
      timed(figures.agentsUpSeconds, ''),
      timed(figures.meanReleaseSinceUpSeconds, slots(figures.meanReleaseSinceUpSlots)),
      timed(figures.t50SinceUpSeconds, slots(figures.t50SinceUpSlots)),
      timed(figures.t80SinceUpSeconds, slots(figures.t80SinceUpSlots)),
      timed(figures.allDoneSinceUpSeconds, limit(figures.allDoneSinceUpToLimit)),
    ]),
  );
  return table(headings(['Agents up', 'Mean release', '50 %', '80 %', 'All done']), rows);
}

/** What each contender took: link, processors, memory. */
export function costTable(contenders: readonly ContenderFigures[]): Markup {
  const rows = contenders.map((figures) => {
    const { frontendBytesToLogical, frontendBytesToUnique, frontendCpuSecondsPer100Mb } = figures;
    return contenderRow(figures, [
      { value: size(figures.frontendBytes), small: `${number(frontendBytesToLogical)} × images` },
      { value: number(frontendBytesToUnique) },
      { value: size(figures.nodesBytes) },
      { value: whole(figures.peakSenders) },
      {
        value: number(figures.frontendCpuSeconds),
        small: `${number(frontendCpuSecondsPer100Mb)} a 100 MB`,
      },
      { value: number(figures.nodesCpuSeconds) },
      { value: size(figures.frontendPeakBytes) },
      { value: size(figures.nodesPeakBytes) },
    ]);
  });
  const titles = [
    "Frontend's link",
    '× unique',
    'All nodes sent',
    'Senders',
    'CPU s, frontend',
    'CPU s, nodes',
    'Memory, frontend',
    'Memory, nodes',
  ];
  return table(headings(titles), rows);
}

export function commandTable(contenders: readonly ContenderFigures[]): Markup {
  const rows = contenders.map(
    ({ contender, command }) =>
      html`<tr>
        <td class="name">${contender}</td>
        <td class="long"><code>${shorten(command, MAX_COMMAND)}</code></td>
      </tr>`,
  );
  return table(
    [{ title: 'Contender' }, { title: 'Command, run on the frontend by a shell' }],
    rows,
  );
}

export function failureTable(failures: readonly HeatFailure[]): Markup {
  const rows = failures.map((failure) => {
    const complaint = complaintLines(failure.complaint);
    return html`<tr>
      <td class="name">${failure.contender}, round ${failure.round}</td>
      <td class="bad">${failureWords(failure)}</td>
      <td class="long">
        ${complaint.map((line) => html`<code>${line}</code><br />`)}
        ${when(complaint.length === 0, () => html`–`)}
      </td>
    </tr>`;
  });
  return table(
    [{ title: 'Contender' }, { title: 'Failure' }, { title: 'What the command said last' }],
    rows,
  );
}

export function absentTable(absent: RaceRecord['absent']): Markup {
  const rows = absent.map(
    ({ contender, reason }) =>
      html`<tr>
        <td class="name">${contender}</td>
        <td class="long">${complaintLines(reason).join(' ')}</td>
      </tr>`,
  );
  return table([{ title: 'Did not run' }, { title: 'Why' }], rows);
}

function headings(titles: readonly string[]): Heading[] {
  return [{ title: 'Contender' }, ...titles.map((title) => ({ title, kind: 'number' as const }))];
}

function contenderRow({ contender, isOurs, rounds }: ContenderFigures, cells: Cell[]): Markup {
  const columns = cells.map(
    ({ value, small }) =>
      html`<td class="number">
        ${keepUnits(value)}${when(small !== undefined && value !== '–', () => html`<small>${keepUnits(small ?? '')}</small>`)}
      </td>`,
  );
  return html`<tr class="${isOurs ? 'measured' : 'rival'}">
    <th scope="row">
      ${contender}${when(rounds > 1, () => html`<small>median of ${rounds} rounds</small>`)}
    </th>
    ${columns}
  </tr>`;
}

function timed(seconds: number | null, small: string): Cell {
  return { value: inSeconds(seconds), small: seconds === null ? undefined : small };
}

function slots(value: number | null): string {
  return `${number(value)} τ`;
}

function limit(value: number | null): string {
  return `${number(value)} × limit`;
}
