import type { Planner, PlannerCommand } from '../planner/types.ts';
import type { Checker } from './checker.ts';
import { createFlowEngine, type FlowEngine } from './flow-engine.ts';
import type { Flow } from './flow.ts';
import { createNetwork, type Network } from './network.ts';
import type { Fault, Scenario, TracedTransfer } from './scenario.ts';
import type { Timers } from './timers.ts';

/** A pull from its command on. */
export interface Pull {
  readonly traced: TracedTransfer;
  readonly fault: Extract<Fault, { kind: 'transfer-fails' }> | undefined;
  stage: Stage;
}

type Stage =
  | { readonly phase: 'connecting' }
  | { readonly phase: 'moving'; readonly flow: Flow }
  /** The last byte has arrived, and the copy is not durable yet. */
  | { readonly phase: 'landing' }
  | { readonly phase: 'ended' };

/** Everything that changes during a simulated run. */
export interface World {
  readonly scenario: Scenario;
  readonly planner: Planner;
  readonly checker: Checker;
  readonly timers: Timers;
  readonly network: Network;
  readonly engine: FlowEngine;
  readonly imageBytes: ReadonlyMap<string, number>;
  /** Nodes that have joined and are neither released nor lost. */
  readonly present: Set<string>;
  /** Images that the planner has been told of. */
  readonly named: Set<string>;
  /** In the order of their commands; ended ones stay. */
  readonly pulls: Map<string, Pull>;
  /** By their flows. */
  readonly moving: Map<Flow, Pull>;
  movingToFrontend: number;
  readonly commands: PlannerCommand[];
  readonly released: { readonly node: string; readonly seconds: number }[];
  readonly safeImages: Set<string>;
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
    network: createNetwork(scenario),
    engine: createFlowEngine(),
    imageBytes: new Map(images.map((image) => [image.id, image.bytes])),
    present: new Set(),
    named: new Set(),
    pulls: new Map(),
    moving: new Map(),
    movingToFrontend: 0,
    commands: [],
    released: [],
    safeImages: new Set(),
    makespanSeconds: 0,
    frontendBusySeconds: 0,
  };
}
