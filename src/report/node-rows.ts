import { shortNames } from './names.ts';
import type { ImageReport, NodeReport, RunReport } from './record.ts';

/** What fits beside the timeline, and several times into a line of text. */
const LABEL_CHARACTERS = 14;

/** A node with what became of its images. */
export interface NodeRow {
  readonly node: string;
  readonly state: NodeReport['state'];
  readonly readySeconds: number | null;
  /** Null unless the node was released. */
  readonly releasedSeconds: number | null;
  readonly images: number;
  readonly safe: number;
  readonly sizeBytes: number;
  /** The name as others' routes give it: short, and still different from the others'. */
  readonly label: string;
  /** `node03 → node01 → frontend`: the routes of its images, each different one once, in labels. */
  readonly route: string;
}

/** One row a node, in the order of release; nodes that were not released are last, by name. */
export function nodeRows(report: RunReport): NodeRow[] {
  const labels = shortNames(
    report.nodes.map((node) => node.node),
    LABEL_CHARACTERS,
  );
  const images = new Map<string, ImageReport[]>();
  for (const image of report.images) {
    const own = images.get(image.node);
    if (own === undefined) images.set(image.node, [image]);
    else own.push(image);
  }
  const rows = report.nodes.map((node) =>
    nodeRow(node, { images: images.get(node.node) ?? [], labels }),
  );
  return rows.toSorted(
    (a, b) => momentOf(a) - momentOf(b) || a.node.localeCompare(b.node, 'en', { numeric: true }),
  );
}

function nodeRow(
  node: NodeReport,
  { images, labels }: { images: readonly ImageReport[]; labels: ReadonlyMap<string, string> },
): NodeRow {
  const routes = new Set(
    images.map((image) => image.route.map((stop) => labels.get(stop) ?? stop).join(' → ')),
  );
  return {
    node: node.node,
    label: labels.get(node.node) ?? node.node,
    state: node.state,
    readySeconds: node.readySeconds,
    releasedSeconds: node.state === 'released' ? node.releasedSeconds : null,
    images: images.length,
    safe: images.filter((image) => image.state === 'safe').length,
    sizeBytes: images.reduce((total, image) => total + image.sizeBytes, 0),
    route: [...routes].join(', '),
  };
}

/** Infinity minus itself is no number, so the last moment that there is stands for "never". */
function momentOf(row: NodeRow): number {
  return row.releasedSeconds ?? Number.MAX_VALUE;
}
