import { quantile } from './quantile.ts';
import { AIMS, meets, type Aim } from './store-aims.ts';
import type { CacheState } from './store-cache.ts';
import type { GatherRound, ReadRound } from './store-measure.ts';

/** All that was measured, and what it is set against. */
export interface StoreFigures {
  /** Length of one image. */
  readonly imageBytes: number;
  readonly changedBytes: number;
  readonly indexBytes: number;
  readonly gathers: readonly GatherRound[];
  readonly restores: readonly ReadRound[];
  readonly reads: readonly ReadRound[];
}

interface Comparison {
  readonly what: string;
  readonly unit: 'MB' | 's' | 'MB/s';
  readonly rival: string;
  /** Medians; undefined is what was not measured. */
  readonly ours: number | undefined;
  readonly theirs: number | undefined;
  readonly aim?: Aim | undefined;
}

/** A comparison and what it comes to. */
export interface Row extends Comparison {
  /** Ours divided by theirs. */
  readonly ratio: number | undefined;
  readonly verdict: 'ok' | 'missed' | 'not measured' | 'no aim';
}

/** Every comparison of which one side at least was measured. */
export function rowsOf(figures: StoreFigures): Row[] {
  const comparisons = [
    ...againstRivals(figures),
    ...wireComparisons(figures),
    ...restoreComparisons(figures),
    ...nbdComparisons(figures),
  ];
  return comparisons
    .filter(({ ours, theirs }) => ours !== undefined || theirs !== undefined)
    .map(judged);
}

function judged(comparison: Comparison): Row {
  const { ours, theirs, aim } = comparison;
  const ratio = ours === undefined || theirs === undefined ? undefined : ours / theirs;
  return Object.assign({}, comparison, { ratio, verdict: verdictOf(ratio, aim) });
}

function verdictOf(ratio: number | undefined, aim: Aim | undefined): Row['verdict'] {
  if (aim === undefined) return 'no aim';
  if (ratio === undefined) return 'not measured';
  return meets(ratio, aim) ? 'ok' : 'missed';
}

/** A figure of both gathers that each contender has. */
interface GatherFigure {
  readonly what: string;
  readonly unit: Comparison['unit'];
  of(round: GatherRound): number;
  readonly aims?: Readonly<Partial<Record<'restic' | 'casync', Aim>>>;
}

const GATHER_FIGURES: readonly GatherFigure[] = [
  {
    what: 'first gather: stored',
    unit: 'MB',
    of: ({ first }) => first.stored.fileBytes / 1e6,
    aims: { restic: AIMS.storedRestic, casync: AIMS.storedCasync },
  },
  {
    what: 'first gather: allocated on disk',
    unit: 'MB',
    of: ({ first }) => first.stored.allocatedBytes / 1e6,
  },
  {
    what: 'first gather: time',
    unit: 's',
    of: ({ first }) => first.seconds,
    aims: { restic: AIMS.seconds },
  },
  { what: 'first gather: processor time', unit: 's', of: ({ first }) => first.cpuSeconds },
  { what: 'first gather: peak memory', unit: 'MB', of: ({ first }) => first.peakBytes / 1e6 },
  {
    what: 'second gather: added to the store',
    unit: 'MB',
    of: ({ first, second }) => (second.stored.fileBytes - first.stored.fileBytes) / 1e6,
  },
  { what: 'second gather: time', unit: 's', of: ({ second }) => second.seconds },
  { what: 'second gather: processor time', unit: 's', of: ({ second }) => second.cpuSeconds },
];

function againstRivals({ gathers }: StoreFigures): Comparison[] {
  return GATHER_FIGURES.flatMap(({ what, unit, of, aims }) =>
    (['restic', 'casync'] as const).map((rival) => ({
      what,
      unit,
      rival,
      ours: medianOf(gathers, 'kgetplus', of),
      theirs: medianOf(gathers, rival, of),
      aim: aims?.[rival],
    })),
  );
}

function wireComparisons({ gathers, changedBytes, indexBytes }: StoreFigures): Comparison[] {
  return [
    {
      what: 'first gather: wire',
      unit: 'MB',
      rival: 'restic, stored',
      ours: medianOf(gathers, 'kgetplus', ({ first }) => megabytes(first.wireBytes)),
      theirs: medianOf(gathers, 'restic', ({ first }) => megabytes(first.stored.fileBytes)),
      aim: AIMS.wire,
    },
    {
      what: 'second gather: wire',
      unit: 'MB',
      rival: 'changed blocks and indexes',
      ours: medianOf(gathers, 'kgetplus', ({ second }) => megabytes(second.wireBytes)),
      theirs: megabytes(changedBytes + indexBytes),
      aim: AIMS.secondWire,
    },
  ];
}

function medianOf(
  gathers: readonly GatherRound[],
  name: GatherRound['contender'],
  figure: (round: GatherRound) => number | undefined,
): number | undefined {
  return middle(gathers.filter(({ contender }) => contender === name).map(figure));
}

const STATES: readonly CacheState[] = ['cold', 'warm'];

function restoreComparisons({ restores, imageBytes }: StoreFigures): Comparison[] {
  return STATES.flatMap((cache) =>
    ['cp', 'restic', 'casync'].map((rival) => ({
      what: `restore, ${cache} cache`,
      unit: 'MB/s' as const,
      rival,
      ours: speedOf(restores, { side: 'kgetplus', cache, imageBytes }),
      theirs: speedOf(restores, { side: rival, cache, imageBytes }),
      aim: rival === 'cp' ? AIMS.restore : undefined,
    })),
  );
}

function nbdComparisons({ reads, imageBytes }: StoreFigures): Comparison[] {
  const speeds = STATES.map((cache) => ({
    what: `NBD read, ${cache} cache`,
    unit: 'MB/s' as const,
    rival: 'qemu-nbd',
    ours: speedOf(reads, { side: 'kgetplus', cache, imageBytes }),
    theirs: speedOf(reads, { side: 'qemu-nbd', cache, imageBytes }),
    aim: AIMS.nbd,
  }));
  const [ours, theirs] = ['kgetplus', 'qemu-nbd'].map((name) => {
    const own = reads.filter(({ side }) => side === name);
    return middle(own.map(({ serverPeakBytes }) => megabytes(serverPeakBytes)));
  });
  return [
    ...speeds,
    { what: 'NBD server: peak memory', unit: 'MB', rival: 'qemu-nbd', ours, theirs },
  ];
}

/** Bytes of the image, holes and all, by the median time. */
function speedOf(
  rounds: readonly ReadRound[],
  of: { readonly side: string; readonly cache: CacheState; readonly imageBytes: number },
): number | undefined {
  const alike = rounds.filter(({ side, cache }) => side === of.side && cache === of.cache);
  const seconds = middle(alike.map((round) => round.seconds));
  return seconds === undefined ? undefined : of.imageBytes / 1e6 / seconds;
}

function middle(values: readonly (number | undefined)[]): number | undefined {
  const measured = values.filter((value) => value !== undefined);
  return measured.length === 0 ? undefined : quantile(measured, 0.5);
}

function megabytes(bytes: number | undefined): number | undefined {
  return bytes === undefined ? undefined : bytes / 1e6;
}
