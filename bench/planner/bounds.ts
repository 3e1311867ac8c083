import type { Highs } from 'highs';
import type { Scenario } from '../../src/simulator/scenario.ts';
import { earliest } from './earliest.ts';
import { fluidCluster, nodeCount, totalLoad, type FluidCluster } from './fluid-cluster.ts';
import { meanReleaseBound } from './mean-bound.ts';
import { mostReleased } from './release-count.ts';
import { growingGrid, type TimeGrid } from './time-grid.ts';
import { urgentReleaseBound } from './urgent-bound.ts';

/** Seconds that no schedule can undercut. */
export interface Bounds {
  readonly makespanSeconds: number;
  /** Each node counted by its weight. */
  readonly meanReleaseSeconds: number;
  readonly t80Seconds: number;
  /** Until all nodes that have a deadline are released; undefined if none has. */
  readonly urgentSeconds: number | undefined;
}

/**
 * About so many slots has the linear program for the mean of a cluster of one group, and less for
 * more, so that solutions take alike: seconds. With twice as many the mean rises by less than 2 %.
 */
const SLOTS = 64;

/** Slots that are shorter than this part of the whole tell little. */
const LEAST_FIRST_SLOT = 1 / 1024;

const NOTHING: Bounds = {
  makespanSeconds: 0,
  meanReleaseSeconds: 0,
  t80Seconds: 0,
  urgentSeconds: undefined,
};

/** All bounds of a scenario without faults; zeros if there is nothing to gather. */
export function boundsOf(highs: Highs, scenario: Scenario, slots = SLOTS): Bounds {
  const cluster = fluidCluster(scenario);
  if (cluster === undefined) return NOTHING;
  const eighty = Math.ceil(0.8 * nodeCount(cluster) - 1e-9);
  return {
    makespanSeconds: makespanBound(cluster),
    meanReleaseSeconds: meanReleaseBound(highs, cluster, gridFor(cluster, slots)),
    t80Seconds: releaseBoundOf(highs, cluster, eighty),
    urgentSeconds: urgentReleaseBound(scenario),
  };
}

/**
 * Everything has to cross the frontend's link, what a rack holds its uplink, and what a node holds
 * its own, each at full rate at best.
 */
export function makespanBound(cluster: FluidCluster): number {
  const { groups, racks, frontendRate } = cluster;
  return Math.max(
    totalLoad(cluster) / frontendRate,
    ...racks.map(({ load, upRate }) => load / upRate),
    ...groups.map(({ loads, upRate }) => (loads.at(-1) ?? 0) / upRate),
  );
}

/**
 * The moment before which no schedule has released `count` nodes: where `mostReleased`, which does
 * not fall with time, reaches it.
 */
export function releaseBoundOf(highs: Highs, cluster: FluidCluster, count: number): number {
  const isPossible = (seconds: number): boolean => mostReleased(highs, cluster, seconds) >= count;
  return earliest(isPossible, makespanBound(cluster));
}

/**
 * From the first moment at which a node can be released to the least makespan. The slots of an
 * octave are a power of two, so that among the moments are those at which equal images arrive.
 */
function gridFor(cluster: FluidCluster, slots: number): TimeGrid {
  const last = makespanBound(cluster);
  const alone = cluster.groups.flatMap(({ loads, upRate }) => loads.map((load) => load / upRate));
  const least = Math.min(last, ...alone.filter((seconds) => seconds > 0));
  const first = Math.max(least, last * LEAST_FIRST_SLOT);
  const octaves = Math.max(1, Math.log2(last / first));
  const perOctave = slots / Math.sqrt(cluster.groups.length) / octaves;
  return growingGrid({
    first,
    last,
    perOctave: 2 ** Math.max(0, Math.round(Math.log2(perOctave))),
  });
}
