import { FRONTEND, type Planner, type PlannerCommand } from '../planner/types.ts';
import type { Checker } from './checker.ts';
import type { Flow } from './network.ts';
import type { Fault, Scenario, TracedTransfer } from './scenario.ts';
import type { Timers } from './timers.ts';

/** A pull from its command on. */
export interface Pull {
  readonly traced: TracedTransfer;
  readonly fault: Extract<Fault, { kind: 'transfer-fails' }> | undefined;
  phase: 'connecting' | 'moving' | 'landing' | 'ended';
  readonly flow: Flow;
}

/** Everything that changes during a simulated run. */
export interface World {
  readonly scenario: Scenario;
  readonly planner: Planner;
  readonly checker: Checker;
  readonly timers: Timers;
  readonly capacities: ReadonlyMap<string, number>;
  readonly imageBytes: ReadonlyMap<string, number>;
  /** Nodes that have joined and are neither released nor lost. */
  readonly present: Set<string>;
  /** Images that the planner has been told of. */
  readonly named: Set<string>;
  /** In the order of their commands; ended ones stay. */
  readonly pulls: Map<string, Pull>;
  readonly moving: Set<Pull>;
  readonly commands: PlannerCommand[];
  readonly released: { readonly node: string; readonly seconds: number }[];
  readonly safeImages: Set<string>;
  nowSeconds: number;
  makespanSeconds: number;
  frontendBusySeconds: number;
}

/** A world before its first moment. */
export function createWorld(
  scenario: Scenario,
  parts: Pick<World, 'planner' | 'checker' | 'timers'>,
): World {
  const images = scenario.nodes.flatMap((node) => node.images);
  return {
    scenario,
    ...parts,
    capacities: linkCapacities(scenario),
    imageBytes: new Map(images.map((image) => [image.id, image.bytes])),
    present: new Set(),
    named: new Set(),
    pulls: new Map(),
    moving: new Set(),
    commands: [],
    released: [],
    safeImages: new Set(),
    nowSeconds: 0,
    makespanSeconds: 0,
    frontendBusySeconds: 0,
  };
}

/** The two links that a pull uses: links are full duplex, each direction one of its own. */
export function linksBetween(from: string, to: string): readonly string[] {
  return [`${from} up`, to === FRONTEND ? FRONTEND : `${to} down`];
}

function linkCapacities(scenario: Scenario): Map<string, number> {
  const capacities = new Map([[FRONTEND, scenario.frontendBytesPerSecond]]);
  for (const node of scenario.nodes) {
    capacities.set(`${node.id} up`, node.upBytesPerSecond);
    capacities.set(`${node.id} down`, node.downBytesPerSecond);
  }
  return capacities;
}
