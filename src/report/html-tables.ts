import { formatSize } from '../base/units.ts';
import { html, when } from './markup.ts';
import { formatMoment, formatSooner, releaseRows } from './rivals.ts';
import type { Markup } from './markup.ts';
import type { NodeRow } from './node-rows.ts';
import type { FailureReport, ImageReport, SummaryReport } from './record.ts';

/** Rows that a table of the page has at most; the JSON report has all. */
const MAX_TABLE_ROWS = 2000;

export interface Heading {
  readonly title: string;
  /** `roomy`: left out on narrow screens. */
  readonly kind?: 'number' | 'number roomy';
}

/** Release times of the run, the bound and the other strategies, and how the run compares. */
export function releaseTable(summary: SummaryReport): Markup {
  const times = releaseRows(summary);
  const row = (title: string, field: 'measured' | 'bound' | 'serial' | 'allAtOnce') => {
    const isRival = field === 'serial' || field === 'allAtOnce';
    const cells = times.map((time) => {
      const moment = formatMoment(time[field], field === 'measured' ? 'not reached' : '–');
      const factor = isRival ? formatSooner(time.measured, time[field]) : '–';
      const small = when(
        factor !== '–',
        () => html`<small>${keepUnits(factor)}<span class="roomy"> sooner</span></small>`,
      );
      return html`<td class="number">${keepUnits(moment)}${small}</td>`;
    });
    return html`<tr class="${field}">
      <th scope="row">${title}</th>
      ${cells}
    </tr>`;
  };
  const headings = times.map(({ label }) => ({ title: label, kind: 'number' as const }));
  const rows = [
    row('Measured', 'measured'),
    row('Bound', 'bound'),
    row('Serial', 'serial'),
    row('All at once', 'allAtOnce'),
  ];
  return html`<div class="times">${table([{ title: 'Nodes released' }, ...headings], rows)}</div>
    <p class="note small">
      The small figures say how many times sooner the measured run got there.
    </p>`;
}

/** Lines may break between the parts of `2 min 05 s`, not between a number and its unit. */
export function keepUnits(text: string): string {
  return text.replace(/(\d) /g, '$1\u00a0');
}

export function nodeTable(nodes: readonly NodeRow[]): Markup {
  const rows = nodes.map(
    (node) =>
      html`<tr>
        <td class="name">${nodeName(node)}</td>
        <td class="${node.state === 'released' ? 'state' : 'bad'}">${node.state}</td>
        <td class="number">${formatMoment(node.releasedSeconds)}</td>
        <td class="number roomy">${node.safe} of ${node.images}</td>
        <td class="number roomy">${formatSize(node.sizeBytes)}</td>
        <td class="long">${node.route}</td>
      </tr>`,
  );
  return table(
    [
      { title: 'Node' },
      { title: 'State' },
      { title: 'Released at', kind: 'number' },
      { title: 'Images safe', kind: 'number roomy' },
      { title: 'Size', kind: 'number roomy' },
      { title: 'Route of its images' },
    ],
    rows,
  );
}

/** Narrow screens show the short form, as routes do. */
function nodeName({ node, label }: NodeRow): Markup {
  if (node === label) return html`${node}`;
  return html`<span class="roomy">${node}</span><span class="narrow">${label}</span>`;
}

/** Missing images first. */
export function imageTable(images: readonly ImageReport[]): Markup {
  const ordered = images.toSorted(
    (a, b) => Number(a.state === 'safe') - Number(b.state === 'safe'),
  );
  const rows = ordered.map(
    (image) =>
      html`<tr>
        <td class="name">${image.node}</td>
        <td class="long">${image.path}</td>
        <td class="${image.state === 'safe' ? 'state' : 'bad'}">${image.state}</td>
        <td class="number">${formatSize(image.sizeBytes)}</td>
        <td class="number roomy">
          ${image.dataBytes === null ? '–' : formatSize(image.dataBytes)}
        </td>
      </tr>`,
  );
  return table(
    [
      { title: 'Node' },
      { title: 'Path' },
      { title: 'State' },
      { title: 'Size', kind: 'number' },
      { title: 'Data', kind: 'number roomy' },
    ],
    rows,
  );
}

export function failureTable(failures: readonly FailureReport[]): Markup {
  const rows = failures.map(
    (failure) =>
      html`<tr>
        <td class="name">${failure.node ?? '–'}</td>
        <td class="bad">${failure.code}</td>
        <td class="long">
          ${failure.message}${when(failure.path !== null, () => html`<br />${failure.path ?? ''}`)}
        </td>
      </tr>`,
  );
  return table([{ title: 'Node' }, { title: 'Failure' }, { title: 'What happened' }], rows);
}

/** A table that scrolls where it does not fit. */
export function table(headings: readonly Heading[], rows: readonly Markup[]): Markup {
  const shown = rows.slice(0, MAX_TABLE_ROWS);
  const head = headings.map(
    ({ title, kind }) => html`<th scope="col" class="${kind ?? 'text'}">${title}</th>`,
  );
  return html`<div class="table" tabindex="0" role="group" aria-label="Table, scrolls">
      <table>
        <thead>
          <tr>
            ${head}
          </tr>
        </thead>
        <tbody>
          ${shown}
        </tbody>
      </table>
    </div>
    ${when(
      rows.length > shown.length,
      () => html`<p class="note">… and ${rows.length - shown.length} more in the JSON report</p>`,
    )}`;
}
