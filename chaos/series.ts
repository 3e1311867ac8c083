import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { missingForLab } from '../lab/requirements.ts';
import { rateBytesPerSecond } from '../lab/shaping.ts';
import { startLab } from '../lab/start.ts';
import { findTool } from '../lab/tools.ts';
import { abilities } from './abilities.ts';
import { FAULT_KINDS, type FaultKind } from './fault.ts';
import { keepRound } from './keep.ts';
import { roundRecord, type RoundRecord } from './record.ts';
import { runRound } from './round.ts';
import { drawScenario } from './scenario.ts';

const RATE = '100mbit';
const SLOW_RATE = '1mbit';
const NODES = 6;

export interface SeriesOptions {
  readonly seed: number;
  /** Number of the first round, and how many there are. */
  readonly from: number;
  readonly rounds: number;
  /** Other kinds of faults are not drawn. */
  readonly kinds?: readonly FaultKind[];
  /** Where what is left of rounds with findings is kept; by default a new one, if there are any. */
  readonly keep?: string;
  onRound(round: RoundRecord, keptIn: string | undefined): void;
  /** Ends the series; the lab is taken down. */
  readonly signal?: AbortSignal;
}

/** The cluster of a series, for its record. */
export const SERIES_LAB = { nodes: NODES, rate: RATE };

/** What keeps a series from being run here, in words; nothing if all is well. */
export function missingForChaos(): string[] {
  const tools = { 'mkfs.ext4': 'e2fsprogs', umount: 'mount', fallocate: 'util-linux' };
  const absent = Object.entries(tools).filter(([tool]) => findTool(tool) === undefined);
  return [
    ...missingForLab(),
    ...absent.map(([tool, name]) => `${tool} not found: apt-get install ${name}`),
  ];
}

/** Plays rounds, one after the other, on one lab. @throws Error if the lab cannot be brought up */
export async function playSeries(options: SeriesOptions): Promise<readonly RoundRecord[]> {
  const { seed, from, rounds, kinds = FAULT_KINDS } = options;
  const work = mkdtempSync(join(tmpdir(), 'kgetplus-chaos-'));
  await using lab = await startLab({ nodes: NODES, rate: RATE });
  const field = {
    lab,
    rate: RATE,
    slowRate: SLOW_RATE,
    bytesPerSecond: rateBytesPerSecond(RATE),
    ...abilities(),
  };
  const nodes = lab.nodes.map(({ name }) => name);
  const records: RoundRecord[] = [];
  try {
    for (let number = from; number < from + rounds; number += 1) {
      if (options.signal?.aborted === true) break;
      const directory = join(work, `round-${number}`);
      mkdirSync(directory);
      const scenario = drawScenario({ seed, number, nodes, kinds });
      let keptIn: string | undefined;
      const outcome = await runRound(
        {
          ...field,
          directory,
          onProblems: async (problems) => {
            keptIn = join(
              options.keep ?? mkdtempSync(join(tmpdir(), 'kgetplus-kept-')),
              `${seed}-${number}`,
            );
            await keepRound({ lab, directory, scenario, problems }, keptIn);
          },
        },
        scenario,
      );
      const record = roundRecord(outcome);
      records.push(record);
      options.onRound(record, keptIn);
      rmSync(directory, { recursive: true, force: true });
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return records;
}
