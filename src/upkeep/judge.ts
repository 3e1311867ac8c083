import type { Catalogue, Snapshot } from '../catalogue/catalogue.ts';
import { applyRetention, isEmpty, type RetentionPolicy } from '../catalogue/retention.ts';

export interface Judgement {
  readonly snapshot: Snapshot;
  /** Why it stays; none if it is forgotten. */
  readonly reasons: readonly string[];
}

export interface JudgeOptions {
  readonly policy: RetentionPolicy;
  /** Only snapshots of these nodes are judged. */
  readonly nodes?: readonly string[] | undefined;
  readonly now: Date;
}

const NOT_ENDED = 'its run has not ended';

/**
 * Judges the snapshots of each image of each node by a policy; without a rule nothing is judged.
 * Those of a run that has not ended stay: it may be continued, or its manifest was lost.
 * @throws KgetError `corrupt` if the time of a run cannot be read
 */
export function judgeSnapshots(
  catalogue: Catalogue,
  { policy, nodes, now }: JudgeOptions,
): readonly Judgement[] {
  if (isEmpty(policy)) return [];
  const ended = new Set(catalogue.runs.filter(hasEnded).map(({ id }) => id));
  const chosen = nodes === undefined ? undefined : new Set(nodes);
  const candidates = catalogue.runs
    .flatMap(({ snapshots }) => snapshots)
    .filter(({ node }) => chosen?.has(node) !== false)
    .map((snapshot) => ({
      snapshot,
      takenAt: snapshot.takenAt,
      tags: snapshot.tags,
      group: `${snapshot.node}/${snapshot.name}`,
    }))
    // Of equal age, the one that comes first counts as newer: the catalogue has the oldest first.
    .toReversed();
  return applyRetention(candidates, policy, { now }).map((verdict) => ({
    snapshot: verdict.snapshot.snapshot,
    reasons: ended.has(verdict.snapshot.snapshot.run)
      ? verdict.reasons
      : [...verdict.reasons, NOT_ENDED],
  }));
}

function hasEnded({ manifest }: Catalogue['runs'][number]): boolean {
  return manifest !== undefined && manifest.endedAt !== null;
}
