import { formatRate, formatSeconds, formatSize } from '../base/units.ts';
import { keepUnits, table } from './html-tables.ts';
import { html } from './markup.ts';
import { inOrderOfRelease, kindOf } from './plan-words.ts';
import { momentWords } from './simulation-words.ts';
import type { Markup } from './markup.ts';
import type { PlanReport } from './plan-record.ts';

/** The transfers in the order of their starts. */
export function transferTable({ transfers }: PlanReport): Markup {
  const rows = transfers.map(
    (transfer) =>
      html`<tr>
        <td class="number">${keepUnits(formatSeconds(transfer.startSeconds))}</td>
        <td class="number">${keepUnits(formatSeconds(transfer.endSeconds))}</td>
        <td class="long">${transfer.image}</td>
        <td class="name">${transfer.from} → ${transfer.to}</td>
        <td class="number">${keepUnits(formatSize(transfer.bytes))}</td>
        <td class="roomy">${kindOf(transfer)}</td>
      </tr>`,
  );
  return table(
    [
      { title: 'Start', kind: 'number' },
      { title: 'End', kind: 'number' },
      { title: 'Image' },
      { title: 'From and to' },
      { title: 'Size', kind: 'number' },
      { title: '' },
    ],
    rows,
  );
}

/** The nodes in the order of their release. */
export function plannedNodeTable({ nodes }: PlanReport): Markup {
  const rows = inOrderOfRelease(nodes).map(
    (node) =>
      html`<tr>
        <td class="name">${node.node}</td>
        <td class="number">${keepUnits(momentWords(node.releasedSeconds))}</td>
        <td class="number">${node.images}</td>
        <td class="number">${keepUnits(formatSize(node.dataBytes))}</td>
        <td class="number roomy">${keepUnits(formatSize(node.sizeBytes))}</td>
        <td class="number roomy">${keepUnits(formatSize(node.roomBytes))}</td>
        <td class="number roomy">${keepUnits(formatRate(node.link.bytesPerSecond))}</td>
      </tr>`,
  );
  return table(
    [
      { title: 'Node' },
      { title: 'Released at', kind: 'number' },
      { title: 'Images', kind: 'number' },
      { title: 'Data', kind: 'number' },
      { title: 'Size', kind: 'number roomy' },
      { title: 'Room', kind: 'number roomy' },
      { title: 'Link', kind: 'number roomy' },
    ],
    rows,
  );
}
