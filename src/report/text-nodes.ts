import { formatMoment } from './rivals.ts';
import { tableLines } from './table.ts';
import { cutList } from './text.ts';
import { nodeRows } from './node-rows.ts';
import type { RunReport } from './record.ts';
import type { TextOptions } from './text.ts';

/** Rows that are printed unless all are asked for: what fits on a screen with the summary. */
const MAX_ROWS = 24;
/** Longer names are given in the short form that routes use. */
const MAX_NAME = 30;

/**
 * One line a node: its images, its end, and where they went. Nodes that were not released come
 * first, then the others in the order of their release.
 */
export function renderNodesText(report: RunReport, options: TextOptions = {}): string {
  const rows = nodeRows(report);
  const ordered = [
    ...rows.filter((row) => row.releasedSeconds === null),
    ...rows.filter((row) => row.releasedSeconds !== null),
  ];
  const { shown, rest } = cutList(ordered, { ...options, maxRows: MAX_ROWS });
  const lines = tableLines(
    [
      { title: 'Node', align: 'left', maxWidth: MAX_NAME },
      { title: 'Images', align: 'right' },
      { title: 'State', align: 'left' },
      { title: 'Released at', align: 'right' },
      { title: 'Route', align: 'left' },
    ],
    shown.map((row) => [
      Array.from(row.node).length > MAX_NAME ? row.label : row.node,
      row.safe === row.images ? `${row.images}` : `${row.safe} of ${row.images}`,
      row.state,
      formatMoment(row.releasedSeconds),
      row.route,
    ]),
  );
  return `${[...lines, ...rest].join('\n')}\n`;
}
