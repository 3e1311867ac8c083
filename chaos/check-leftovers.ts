import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { outputOf } from '../lab/gather.ts';
import type { PlayedRound } from './check-round.ts';
import { spoolOf } from './field.ts';

/**
 * What may lie in a target: docs/formats.md. NODE/FILE is looked up among the images. A lease of a
 * process that was killed counts for nothing, and stays until `prune`.
 */
const OWN = /^\.kgetplus(\/(journal\.jsonl|report\.(json|html)|chunks(\/[^/]+\.chunks)?))?$/;
const OWN_DIRECTORIES = /^\.kgetplus\/(leases(\/[^/]+)?|staging|trash)$/;
const STORE =
  /^(store\.castr(\/[0-9a-f]{4}(\/[0-9a-f]{64}\.cacnk)?)?|snapshots(\/[^/]+(\/manifest\.json)?)?)$/;
const SNAPSHOT = /^snapshots\/[^/]+\/(.+)$/;

/** Nothing is left but images, indexes and what is meant to stay. */
export function checkLeftovers(round: PlayedRound): readonly string[] {
  return [...leftOnNodes(round), ...leftInTarget(round)];
}

/**
 * Spools are empty. A node that was released while it could not be reached, or whose agent was
 * killed, is not asked again: what it has left there is named, and is no fault.
 */
function leftOnNodes({ lab, strikes }: PlayedRound): readonly string[] {
  return lab.nodes.flatMap((node) => {
    const left = entriesOf(spoolOf(node)).filter((entry) => entry !== '.filler');
    const isHurt = strikes.some(
      ({ fault, struckMs }) =>
        struckMs !== undefined && 'node' in fault && fault.node === node.name,
    );
    const note = isHurt ? ' (after a fault there)' : '';
    return left.length === 0 ? [] : [`left in the spool of ${node.name}${note}: ${left.join(' ')}`];
  });
}

function leftInTarget({ lab, scenario, sources }: PlayedRound): readonly string[] {
  const files = new Set(
    sources.flatMap(({ node, name }) => {
      const index = `${node}/${name}.caibx`;
      return scenario.layout === 'files' ? [node, `${node}/${name}`, index] : [node, index];
    }),
  );
  const isMeant = (entry: string): boolean => {
    if (OWN.test(entry)) return true;
    if (scenario.layout === 'files') return files.has(entry);
    const inSnapshot = SNAPSHOT.exec(entry)?.[1];
    if (STORE.test(entry) || OWN_DIRECTORIES.test(entry)) return true;
    return inSnapshot !== undefined && files.has(inSnapshot);
  };
  return entriesOf(outputOf(lab))
    .filter((entry) => entry !== '.filler' && !isMeant(entry))
    .map((entry) => `left in the target: ${entry}`);
}

function entriesOf(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).map((entry) => join(entry));
}
