import { cpus, release, totalmem } from 'node:os';

import { FAULT_KINDS, type Fault, type FaultKind } from './fault.ts';
import type { RoundOutcome } from './round.ts';

/** A series of rounds: schema `kgetplus.chaos/1`. Times are seconds, sizes bytes. */
export interface ChaosRecord {
  readonly schema: 'kgetplus.chaos/1';
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly machine: {
    readonly processors: number;
    readonly model: string;
    readonly memoryBytes: number;
    readonly kernel: string;
    readonly node: string;
  };
  readonly lab: { readonly nodes: number; readonly rate: string };
  readonly seed: number;
  readonly summary: ChaosSummary;
  readonly rounds: readonly RoundRecord[];
}

export interface RoundRecord {
  readonly number: number;
  readonly layout: 'files' | 'store';
  readonly copies: number;
  readonly givesBack: boolean;
  readonly images: number;
  readonly logicalBytes: number;
  readonly faults: readonly FaultRecord[];
  /** Of the gather and of those that went on; null where a signal ended it. */
  readonly exitCodes: readonly (number | null)[];
  readonly seconds: number;
  readonly lingerSeconds: number;
  readonly problems: readonly string[];
}

/** A fault as it struck, and how long from then to the end of the round; null if it did not. */
type FaultRecord = Fault & { readonly recoverySeconds: number | null };

export interface ChaosSummary {
  readonly rounds: number;
  readonly failed: number;
  /** Rounds in which the first command brought everything. */
  readonly unaided: number;
  readonly resumes: number;
  readonly medianSeconds: number | null;
  readonly worstSeconds: number | null;
  readonly kinds: readonly KindSummary[];
}

interface KindSummary {
  readonly kind: FaultKind;
  readonly drawn: number;
  readonly struck: number;
  /** Rounds with it in which something was not as it must be. */
  readonly failed: number;
  readonly medianRecoverySeconds: number | null;
  readonly worstRecoverySeconds: number | null;
}

/** A round in figures. */
export function roundRecord(outcome: RoundOutcome): RoundRecord {
  const { scenario, commands, strikes, doneMs, problems } = outcome;
  const images = [...scenario.images.values()].flat();
  return {
    number: scenario.number,
    layout: scenario.layout,
    copies: scenario.copies,
    givesBack: scenario.givesBack,
    images: images.length,
    logicalBytes: images.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    faults: scenario.faults.map((fault) => {
      const found = strikes.find(({ drawn }) => drawn === fault);
      const struckMs = found?.struckMs;
      const recoverySeconds = struckMs === undefined ? null : rounded((doneMs - struckMs) / 1000);
      return Object.assign({ recoverySeconds }, found?.fault ?? fault);
    }),
    exitCodes: commands.map(({ exitCode }) => exitCode),
    seconds: rounded(outcome.seconds),
    lingerSeconds: rounded(outcome.lingerSeconds),
    problems,
  };
}

/** The series so far, summed up. */
export function summarise(rounds: readonly RoundRecord[]): ChaosSummary {
  const seconds = rounds.map((round) => round.seconds);
  return {
    rounds: rounds.length,
    failed: rounds.filter(({ problems }) => problems.length > 0).length,
    unaided: rounds.filter(({ exitCodes }) => exitCodes.length === 1).length,
    resumes: rounds.reduce((sum, { exitCodes }) => sum + exitCodes.length - 1, 0),
    medianSeconds: median(seconds),
    worstSeconds: worst(seconds),
    kinds: FAULT_KINDS.map((kind) => summariseKind(kind, rounds)),
  };
}

function summariseKind(kind: FaultKind, rounds: readonly RoundRecord[]): KindSummary {
  const withKind = rounds.filter(({ faults }) => faults.some((fault) => fault.kind === kind));
  const recoveries = withKind
    .flatMap(({ faults }) => faults)
    .filter((fault) => fault.kind === kind)
    .map(({ recoverySeconds }) => recoverySeconds)
    .filter((seconds) => seconds !== null);
  return {
    kind,
    drawn: withKind.length,
    struck: recoveries.length,
    failed: withKind.filter(({ problems }) => problems.length > 0).length,
    medianRecoverySeconds: median(recoveries),
    worstRecoverySeconds: worst(recoveries),
  };
}

export function thisMachine(): ChaosRecord['machine'] {
  return {
    processors: cpus().length,
    model: cpus()[0]?.model ?? 'unknown',
    memoryBytes: totalmem(),
    kernel: release(),
    node: process.version,
  };
}

function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.slice(
    Math.floor((sorted.length - 1) / 2),
    Math.floor(sorted.length / 2) + 1,
  );
  return middle.length === 0
    ? null
    : rounded(middle.reduce((sum, value) => sum + value, 0) / middle.length);
}

function worst(values: readonly number[]): number | null {
  return values.length === 0 ? null : Math.max(...values);
}

function rounded(seconds: number): number {
  return Math.round(seconds * 100) / 100;
}
