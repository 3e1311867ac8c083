import type { Scenario } from '../../src/simulator/scenario.ts';
import { scenarioOf } from './scenarios.ts';
import { OVERSUBSCRIPTION, type Terms } from './terms.ts';

/** A row of the table. */
export interface Row {
  readonly name: string;
  readonly nodes: number;
  readonly scenario: Scenario;
}

const HALF_AT_HALF = { every: 2, rate: 0.5 };
const TENTH_AT_TENTH = { every: 10, rate: 0.1 };
const IN_ORDER = { nodes: 8, order: 'in order' } as const;
const MIXED = { nodes: 8, order: 'mixed' } as const;
const ALIKE = { count: 1, share: 0.9, order: 'in order' } as const;
const FOUR_MIXED = { count: 4, share: 0.9, order: 'mixed' } as const;
const FOUR_IN_ORDER = { count: 4, share: 0.9, order: 'in order' } as const;
const THIRD = { every: 3 };
const QUARTER_FOURFOLD = { every: 4, weight: 4 };

/** What the table compares, in its order. */
const TERMS: readonly Terms[] = [
  ...each([8, 16, 64, 256], {}),
  ...each([8, 16, 64, 256], { sigma: 0.5 }),
  ...each([8, 16, 64, 256], { sigma: 1.2 }),
  ...each([16, 64, 256], { slow: HALF_AT_HALF }),
  ...each([64], { sigma: 1.2, slow: HALF_AT_HALF }),
  ...each([16, 64, 256], { slow: TENTH_AT_TENTH }),
  ...each([64], { sigma: 0.5, slow: TENTH_AT_TENTH }),
  ...each([16, 64, 256], { links: { up: 0.5, down: 1 } }),
  ...each([16, 64, 256], { links: { up: 1, down: 0.5 } }),
  ...each([16, 64, 256], { disks: HALF_AT_HALF }),
  ...each([16, 64, 256], { racks: IN_ORDER }),
  ...each([16, 64, 256], { racks: MIXED }),
  ...each([64], { sigma: 0.5, racks: MIXED }),
  ...each([16, 64, 256], { room: 1 }),
  ...each([16, 64, 256], { room: 2 }),
  ...each([64], { sigma: 0.5, room: 2 }),
  ...each([16, 64, 256], { frontend: 4 }),
  ...each([64], { sigma: 0.5, frontend: 4 }),
  ...each([64], { sigma: 1.2, frontend: 4 }),
  ...each([16, 64, 256], { frontend: 0.5 }),
  ...each([64], { sigma: 0.5, frontend: 0.5 }),
  ...each([16, 64, 256], { families: ALIKE }),
  ...each([16, 64, 256], { families: FOUR_MIXED }),
  ...each([16, 64, 256], { families: FOUR_IN_ORDER }),
  ...each([16, 64, 256], { deadlines: THIRD }),
  ...each([16, 64, 256], { sigma: 0.5, deadlines: THIRD }),
  ...each([16, 64, 256], { sigma: 0.5, weights: QUARTER_FOURFOLD }),
  ...each([16, 64, 256], { copies: 2 }),
];

/** All rows of the table. */
export function rows(): readonly Row[] {
  return TERMS.map((terms) => ({
    name: nameOf(terms),
    nodes: terms.nodes,
    scenario: scenarioOf(terms),
  }));
}

function each(counts: readonly number[], terms: Omit<Terms, 'nodes'>): Terms[] {
  return counts.map((nodes) => Object.assign({ nodes }, terms));
}

function nameOf(terms: Terms): string {
  const { sigma, slow, links, disks, room, frontend, racks, copies } = terms;
  const parts = [sigma === undefined ? 'equal images' : `log-normal ${sigma}`];
  if (slow !== undefined) parts.push(`1 of ${slow.every} nodes at rate ${slow.rate}`);
  if (links !== undefined) parts.push(`links ${links.up}x up, ${links.down}x down`);
  if (disks !== undefined) parts.push(`1 of ${disks.every} disks reads at rate ${disks.rate}`);
  if (racks !== undefined) {
    parts.push(`racks of ${racks.nodes}, ${OVERSUBSCRIPTION}:1, ${racks.order}`);
  }
  if (room !== undefined) parts.push(`room for ${room}`);
  if (frontend !== undefined) parts.push(`frontend ${frontend}x`);
  parts.push(...namesOfOthers(terms));
  if (copies !== undefined) parts.push(`${copies} copies`);
  return parts.join(', ');
}

/** What sets images and nodes apart. */
function namesOfOthers({ families, deadlines, weights }: Terms): string[] {
  const parts: string[] = [];
  if (families !== undefined) {
    parts.push(`${families.share * 100} % in common`);
    if (families.count > 1) parts.push(`${families.count} families, ${families.order}`);
  }
  if (deadlines !== undefined) parts.push(`1 of ${deadlines.every} nodes has a deadline`);
  if (weights !== undefined) parts.push(`1 of ${weights.every} nodes weighs ${weights.weight}`);
  return parts;
}
