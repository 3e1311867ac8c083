import { existsSync, readFileSync } from 'node:fs';
import { imageOf } from '../lab/images.ts';
import { runTool } from '../lab/tools.ts';
import { parseReport } from '../src/report/json.ts';
import { onFrontend, shell } from './frontend.ts';
import type { Lab } from '../lab/lab.ts';
import type { LabHost } from '../lab/layout.ts';
import type { Contender } from './contenders.ts';
import type { NodeRecord } from './record.ts';

export interface JudgeOptions {
  readonly lab: Lab;
  readonly contender: Contender;
  /** By node. */
  readonly imageBytes: ReadonlyMap<string, number>;
}

/** What arrived from each node and when, compared with the node's own file. */
export async function judge(
  { lab, contender, imageBytes }: JudgeOptions,
  arrivals: ReadonlyMap<string, number>,
): Promise<readonly NodeRecord[]> {
  const snapshots = await snapshotsOf(lab, contender);
  const momentOf = (path = ''): number | null => arrivals.get(onFrontend(lab, path)) ?? null;
  const records: NodeRecord[] = [];
  for (const node of lab.nodes) {
    const { arrival } = contender;
    const path = arrival.kind === 'file' ? arrival.path(node.name) : snapshots.get(node.name);
    const completeSeconds = momentOf(path);
    const released = momentOf(`released/${node.name}`);
    records.push({
      node: node.name,
      imageBytes: imageBytes.get(node.name) ?? 0,
      completeSeconds,
      releasedSeconds: contender.releases ? released : completeSeconds,
      isIdentical: completeSeconds !== null && (await isIdentical(lab, node, contender)),
    });
  }
  return records;
}

async function isIdentical(lab: Lab, node: LabHost, { arrival }: Contender): Promise<boolean> {
  const copy = arrival.kind === 'file' ? arrival.path(node.name) : `out/${node.name}.img`;
  try {
    if (arrival.kind === 'snapshot') {
      await shell(lab, arrival.restore.replaceAll('{node}', node.name));
    }
    await runTool(['cmp', '--', onFrontend(lab, copy), imageOf(node)]);
    return true;
  } catch {
    return false;
  }
}

/** The file that stands for each node's snapshot, by the store's own list. */
async function snapshotsOf(lab: Lab, { arrival }: Contender): Promise<ReadonlyMap<string, string>> {
  if (arrival.kind === 'file') return new Map();
  try {
    const listed = JSON.parse(await shell(lab, arrival.list)) as {
      readonly hostname: string;
      readonly id: string;
    }[];
    return new Map(listed.map(({ hostname, id }) => [hostname, `out/snapshots/${id}`]));
  } catch {
    // Nothing can be read from it: no node's image is there.
    return new Map();
  }
}

/** When Kget+'s last agent was up, by its own report. */
export function agentsUp(lab: Lab): number | null {
  const file = onFrontend(lab, 'out/.kgetplus/report.json');
  if (!existsSync(file)) return null;
  const { nodes } = parseReport({ text: readFileSync(file, 'utf8'), file });
  return Math.max(...nodes.map((node) => node.readySeconds ?? Number.NaN));
}
