import type { Scenario, SimulatedNode } from '../../src/simulator/scenario.ts';
import { earliest } from './earliest.ts';
import { loadBytes } from './fluid-cluster.ts';
import { downRate, frontendRate, ownBytes, sumOf, upRate } from './fluid-rates.ts';

/** What rounding may leave of a whole number, and of a part of a time. */
const TOLERANCE = 1e-6;

/**
 * Seconds before which no schedule has released all nodes that have a deadline; undefined if none
 * has.
 *
 * At the moment at which the last of them is released all their images are elsewhere: with F the
 * rate of the frontend's link and D and R the rate and the room of another node, until t
 *
 * - none of them sent more than its link carries, so L ≤ U·t for each;
 * - what crossed the cut around them is in the frontend (at most F·t) or in the others, in as many
 *   copies c as are asked for, so the sum of L ≤ F·t + the sum of min(D·t, R) / c over the others;
 * - images are whole: with s bytes in the least of theirs there are at most ⌊F·t/s⌋ of them at the
 *   frontend and ⌊min(D·t, R)/s⌋ at each other node, the latter counted in c copies.
 *
 * Loads and images are without what families share, as in `FluidCluster`.
 */
export function urgentReleaseBound(scenario: Scenario): number | undefined {
  const urgent = scenario.nodes.filter(({ deadline }) => deadline !== undefined);
  if (urgent.length === 0) return undefined;
  const others = scenario.nodes.filter(({ deadline }) => deadline === undefined);
  const loads = urgent.map(loadBytes);
  const images = urgent.flatMap((node) => node.images).map(ownBytes);
  const smallest = Math.min(...images);
  const [rate, copies] = [frontendRate(scenario), scenario.planner.copies];
  const alone = Math.max(...urgent.map((node) => loadBytes(node) / upRate(node)));

  function isPossible(seconds: number): boolean {
    const inFrontend = rate * seconds;
    const inOthers = others.map((node) => takenBytes(node, seconds));
    const fits = sumOf(loads) <= (inFrontend + sumOf(inOthers) / copies) * (1 + TOLERANCE);
    if (!fits || smallest === 0) return fits;
    const imagesIn = (bytes: number): number => Math.floor(bytes / smallest + TOLERANCE);
    const places = imagesIn(inFrontend) + sumOf(inOthers.map(imagesIn)) / copies;
    return images.length <= places + TOLERANCE;
  }

  return Math.max(alone, earliest(isPossible, sumOf(loads) / rate));
}

function takenBytes(node: SimulatedNode, seconds: number): number {
  return Math.min(downRate(node) * seconds, node.roomBytes);
}
