import { keepUnits, table } from './html-tables.ts';
import { html } from './markup.ts';
import { FIGURES, momentWords, timesWords } from './simulation-words.ts';
import type { Markup } from './markup.ts';
import type { BoundRecord, StrategyRecord } from './simulation-record.ts';

/** When nodes are released by each strategy, and smaller how many times the bound's that is. */
export function timesTable(strategies: readonly StrategyRecord[], bound: BoundRecord): Markup {
  const headings = FIGURES.map(({ title }) => ({ title, kind: 'number' as const }));
  const boundCells = FIGURES.map(
    ({ field }) => html`<td class="number">${keepUnits(momentWords(bound.times[field]))}</td>`,
  );
  const rows = [
    ...strategies.map(timesRow),
    html`<tr class="bound">
      <th scope="row">bound</th>
      ${boundCells}
    </tr>`,
  ];
  return table([{ title: 'Strategy' }, ...headings], rows);
}

function timesRow({ name, isOurs, times, timesBound }: StrategyRecord): Markup {
  const cells = FIGURES.map(
    ({ field, factor }) =>
      html`<td class="number">
        ${keepUnits(momentWords(times[field]))}<small
          >${keepUnits(timesWords(timesBound[factor]))}</small
        >
      </td>`,
  );
  return html`<tr class="${isOurs ? 'measured' : 'rival'}">
    <th scope="row">${name}</th>
    ${cells}
  </tr>`;
}

/** What each strategy does. */
export function strategyTable(strategies: readonly StrategyRecord[]): Markup {
  const rows = strategies.map(
    ({ name, about }) =>
      html`<tr>
        <td class="name">${name}</td>
        <td class="long">${about}</td>
      </tr>`,
  );
  return table([{ title: 'Strategy' }, { title: 'What it does' }], rows);
}
