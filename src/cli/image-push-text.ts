import { formatSeconds, formatSize } from '../base/units.ts';
import { foldNodeSet } from '../nodeset/fold.ts';
import type { DeployReport } from '../job/deploy/deploy.ts';

/** What came of a push. */
export interface PushReport extends DeployReport {
  /** The image's id. */
  readonly image: string;
  /** Until the agents of all nodes were up. */
  readonly startSeconds: number;
}

/** A push in words: what came of it, and why it did not reach some nodes. */
export function renderPush(report: PushReport): string {
  const { nodes, seconds, startSeconds, frontendBytes, image } = report;
  const failed = nodes.filter(({ failure }) => failure !== undefined);
  const moved = nodes.reduce((sum, { wireBytes }) => sum + wireBytes, 0);
  const whole = `${nodes.length - failed.length} of ${nodes.length} nodes have image`;
  const lines = [
    `${whole} ${image.slice(0, 12)} after ${formatSeconds(seconds)}, agents up after ` +
      formatSeconds(startSeconds),
    `${formatSize(frontendBytes)} left this host, ${formatSize(moved)} went into nodes`,
    ...[...byMessage(failed)].map(([message, names]) => `${foldNodeSet(names)}: ${message}`),
  ];
  return `${lines.join('\n')}\n`;
}

function byMessage(failed: DeployReport['nodes']): ReadonlyMap<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const { node, failure } of failed) {
    const message = failure?.message ?? '';
    groups.set(message, [...(groups.get(message) ?? []), node]);
  }
  return groups;
}
