import type { Planner, PlannerCommand } from '../planner/types.ts';
import type { Checker } from './checker.ts';
import { createFlowEngine, type FlowEngine } from './flow-engine.ts';
import type { Flow } from './flow.ts';
import { createNetwork, type Network } from './network.ts';
import { createOverlap, type Overlap } from './overlap.ts';
import type { Fault, Scenario, SimulatedImage, TracedTransfer } from './scenario.ts';
import type { Timers } from './timers.ts';

/** A pull from its command on. */
export interface Pull {
  readonly traced: TracedTransfer;
  readonly image: SimulatedImage;
  readonly fault: TransferFault | undefined;
  /** The frontend that it goes to, counted from 0; undefined for a relay. */
  readonly frontend: number | undefined;
  stage: Stage;
}

type TransferFault = Extract<Fault, { kind: 'transfer-fails' }>;

type Stage =
  | { readonly phase: 'connecting' }
  | {
      readonly phase: 'moving';
      readonly flow: Flow;
      readonly bytes: number;
      readonly sinceSeconds: number;
    }
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
  readonly images: ReadonlyMap<string, SimulatedImage>;
  readonly overlap: Overlap;
  /** By the ordinal of the pull that fails. */
  readonly transferFaults: ReadonlyMap<number, TransferFault>;
  /** Nodes that have joined and are neither released nor lost. */
  readonly present: Set<string>;
  /** Images that the planner has been told of. */
  readonly named: Set<string>;
  /** All pulls, in the order of their commands. */
  readonly transfers: TracedTransfer[];
  /** Pulls from and onto each node that have not ended, in the same order. */
  readonly underWay: Map<string, Set<Pull>>;
  /** By their flows. */
  readonly moving: Map<Flow, Pull>;
  /** Of each frontend: pulls whose last byte has not arrived. */
  readonly frontendPulls: number[];
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
    images: new Map(images.map((image) => [image.id, image])),
    overlap: createOverlap(scenario),
    transferFaults: transferFaults(scenario.faults),
    present: new Set(),
    named: new Set(),
    transfers: [],
    underWay: new Map(),
    moving: new Map(),
    frontendPulls: Array.from({ length: scenario.frontends ?? 1 }, () => 0),
    movingToFrontend: 0,
    commands: [],
    released: [],
    safeImages: new Set(),
    makespanSeconds: 0,
    frontendBusySeconds: 0,
  };
}

/** Of two for one pull the first counts. */
function transferFaults(faults: readonly Fault[]): Map<number, TransferFault> {
  const byOrdinal = new Map<number, TransferFault>();
  for (const fault of faults) {
    if (fault.kind === 'transfer-fails' && !byOrdinal.has(fault.ordinal)) {
      byOrdinal.set(fault.ordinal, fault);
    }
  }
  return byOrdinal;
}
