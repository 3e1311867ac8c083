import type { Scenario, SimulatedImage, SimulatedNode } from '../../src/simulator/scenario.ts';

/** Bytes per second that can leave a node. */
export function upRate({ upBytesPerSecond, diskReadBytesPerSecond }: SimulatedNode): number {
  return Math.min(upBytesPerSecond, diskReadBytesPerSecond ?? Infinity);
}

/** Bytes per second that a node can take. */
export function downRate({ downBytesPerSecond, diskWriteBytesPerSecond }: SimulatedNode): number {
  return Math.min(downBytesPerSecond, diskWriteBytesPerSecond ?? Infinity);
}

/** Bytes per second that all frontends can take. */
export function frontendRate(scenario: Scenario): number {
  const { frontendBytesPerSecond, frontendDiskWriteBytesPerSecond = Infinity } = scenario;
  const { frontends = 1 } = scenario;
  return frontends * Math.min(frontendBytesPerSecond, frontendDiskWriteBytesPerSecond);
}

/** How much a node counts in the mean. */
export function weightOf({ weight }: SimulatedNode): number {
  return weight ?? 1;
}

/** What no other image has, at least. */
export function ownBytes({ bytes, family }: SimulatedImage): number {
  return bytes - (family?.sharedBytes ?? 0);
}

/** What the families of these images have in common, the longest part of each once. */
export function sharedBytes(images: readonly SimulatedImage[]): number {
  const shared = new Map<string, number>();
  for (const { family } of images) {
    if (family === undefined) continue;
    shared.set(family.id, Math.max(family.sharedBytes, shared.get(family.id) ?? 0));
  }
  return sumOf([...shared.values()]);
}

/** The sum of numbers. */
export function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
