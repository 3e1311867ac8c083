import { spawnSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';

import { findTool } from '../lab/tools.ts';
import { CONTENDERS } from './contenders.ts';
import { prepareCourse } from './course.ts';
import { runHeat } from './heat.ts';
import { measureLink } from './link.ts';
import type { Contender } from './contenders.ts';
import type { Profile } from './profiles.ts';
import type { HeatRecord, MachineRecord, RaceRecord } from './record.ts';

export interface RaceOptions {
  readonly name: string;
  readonly profile: Profile;
  readonly contenders: readonly Contender[];
  /** Of other contenders, in an earlier race of this profile: they stay in the record. */
  readonly kept: readonly HeatRecord[];
  /** The contenders run one after the other, and that so many times. */
  readonly rounds: number;
  /** Where the lab's files go; by default the system's directory for such. */
  readonly directory?: string | undefined;
  /** Told what begins. */
  readonly onStep: (step: string) => void;
  /** Given what is known after every heat, so that a race that is cut short is not lost. */
  readonly onHeat: (race: RaceRecord) => void;
  /** Ends the race; the lab is taken down. */
  readonly signal: AbortSignal;
}

/** A contender that takes longer than this many times the link's limit, and this, is stopped. */
const LIMIT_FACTOR = 4;
const LIMIT_EXTRA_SECONDS = 120;

/**
 * Runs all contenders on one lab.
 * @throws Error if the lab cannot be brought up, or the reason of the signal
 */
export async function runRace(options: RaceOptions): Promise<RaceRecord> {
  const { name, profile, rounds, onStep, onHeat, signal } = options;
  const startedAt = new Date().toISOString();
  onStep(`laying the course: ${profile.nodes} nodes, ${profile.image}`);
  await using course = await prepareCourse(profile, options);
  onStep('measuring the link');
  const link = await measureLink(course.lab, course.place, course.images);
  const heats = [...options.kept];
  const { labRecord: lab, images } = course;
  const absent = options.contenders.flatMap(absence);
  const machine = thisMachine();
  const head = { schema: 'kgetplus.race/1', profile: name, startedAt, machine, lab } as const;
  const record = (): RaceRecord => ({
    ...head,
    images,
    link,
    heats: heats.toSorted(byContender),
    absent,
  });
  const limitSeconds = link.limitSeconds * LIMIT_FACTOR + LIMIT_EXTRA_SECONDS;
  for (const { round, contender } of programme(options.contenders, rounds)) {
    signal.throwIfAborted();
    onStep(rounds > 1 ? `${contender.name}, round ${round}` : contender.name);
    const heat = await runHeat({ ...course, contender, round, limitSeconds, signal });
    // One that was cut short says nothing.
    signal.throwIfAborted();
    heats.push(heat);
    onHeat(record());
  }
  return record();
}

function byContender(one: HeatRecord, other: HeatRecord): number {
  return placeOf(one) - placeOf(other) || one.round - other.round;
}

function placeOf({ contender }: HeatRecord): number {
  return CONTENDERS.findIndex(({ name }) => name === contender);
}

function programme(
  contenders: readonly Contender[],
  rounds: number,
): { readonly round: number; readonly contender: Contender }[] {
  const present = contenders.filter((contender) => absence(contender).length === 0);
  return Array.from({ length: rounds }, (_, index) =>
    present.map((contender) => ({ round: index + 1, contender })),
  ).flat();
}

/** Why a contender cannot run here, if it cannot. */
function absence({ name, tools }: Contender): RaceRecord['absent'] {
  const missing = Object.keys(tools).filter((tool) => findTool(tool) === undefined);
  if (missing.length === 0) return [];
  const packages = [...new Set(missing.map((tool) => tools[tool]))].join(' ');
  const reason = `${missing.join(', ')} not found: apt-get install ${packages}`;
  return [{ contender: name, reason }];
}

function thisMachine(): MachineRecord {
  const git = spawnSync('git', ['describe', '--always', '--dirty'], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
  });
  return {
    processors: cpus().length,
    model: cpus()[0]?.model ?? 'unknown',
    memoryBytes: totalmem(),
    kernel: release(),
    node: process.version,
    commit: git.status === 0 ? git.stdout.trim() : null,
  };
}
