import type { Dice } from '../fuzz/dice.ts';
import type { Failure } from '../src/base/error.ts';
import type { Cluster, LaunchTaps } from './cluster.ts';
import type { Host, Process } from './machine/process.ts';
import type { SimulatedSocket } from './machine/socket.ts';
import type { CrashPoints } from './points.ts';
import type { Rules } from './rules.ts';
import type { FaultKind, Scenario } from './scenario.ts';

/** Options that change nothing of what happens. */
export interface Watching {
  readonly points: CrashPoints;
  /** Told what happens, line by line. */
  readonly trace?: (line: string) => void;
  /** Whether all places of effects are noted, which takes time. */
  readonly notesAll: boolean;
}

/** Everything of a seed while it is played: hosts, rules, and the faults that are still to come. */
export interface Stage {
  readonly scenario: Scenario;
  readonly dice: Dice;
  readonly cluster: Cluster;
  readonly rules: Rules;
  /** Hosts that are gone for good, with their disks. */
  readonly gone: Set<Host>;
  readonly connections: ReadonlySet<SimulatedSocket>;
  /** How often each node's release command is still to fail. */
  readonly failingHooks: Map<string, number>;
  /** Faults that hit something, by kind. */
  readonly inflicted: Partial<Record<FaultKind, number>>;
  readonly taps: LaunchTaps;
  /** Of all processes. */
  effects: number;
  /** The attempt of the operator that runs now, from 0 on. */
  attempt: number;
  /** The process of the command, and its Ctrl-C. */
  command: { readonly process: Process; readonly interrupt: AbortController } | undefined;
  trace(line: string): void;
  /** Sets the faults up that come at a time of this attempt. */
  awaitFaults(): void;
  /** The release command of a node; wipes the host, perhaps. */
  giveBack(node: string): Promise<Failure | undefined>;
}
