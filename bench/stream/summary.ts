import type { Measurement } from './runs.ts';

/** Medians of one case, and how the two sides compare. */
export interface CaseResult {
  readonly name: string;
  readonly ours: Measurement;
  readonly scp: Measurement;
  /** How often faster we are. */
  readonly speedRatio: number;
  /** Our processor time as a share of that of scp. */
  readonly cpuRatio: number;
  readonly rounds: { readonly ours: readonly Measurement[]; readonly scp: readonly Measurement[] };
}

export function summarize(
  name: string,
  oursRounds: readonly Measurement[],
  scpRounds: readonly Measurement[],
): CaseResult {
  const ours = medians(oursRounds);
  const scp = medians(scpRounds);
  return {
    name,
    ours,
    scp,
    speedRatio: scp.wallSeconds / ours.wallSeconds,
    cpuRatio: ours.cpuSeconds / scp.cpuSeconds,
    rounds: { ours: oursRounds, scp: scpRounds },
  };
}

function medians(rounds: readonly Measurement[]): Measurement {
  return {
    wallSeconds: median(rounds.map((round) => round.wallSeconds)),
    cpuSeconds: median(rounds.map((round) => round.cpuSeconds)),
    peakBytes: median(rounds.map((round) => round.peakBytes)),
    movedBytes: median(rounds.map((round) => round.movedBytes)),
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** A table in Markdown. */
export function tableOf(results: readonly CaseResult[]): string {
  const rows = results.flatMap((result) => [
    rowOf(result.name, 'kgetplus', result.ours),
    rowOf('', 'scp', result.scp),
    `| | ratio | ${result.speedRatio.toFixed(2)} x faster | ${result.cpuRatio.toFixed(2)} x CPU | | |`,
  ]);
  return [
    '| case | | wall s | CPU s | peak MB | MB moved |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

function rowOf(name: string, side: string, figures: Measurement): string {
  const { wallSeconds, cpuSeconds, peakBytes, movedBytes } = figures;
  const megabytes = [peakBytes, movedBytes].map((bytes) => (bytes / 1e6).toFixed(0));
  return `| ${name} | ${side} | ${wallSeconds.toFixed(2)} | ${cpuSeconds.toFixed(2)} | ${megabytes.join(' | ')} |`;
}
