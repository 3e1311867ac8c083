import type { RunFacts } from '../coordinator/facts.ts';

/** How far the nodes are with naming and scanning their images. */
export function scanStatus({ nodes, images }: RunFacts): string {
  const states = [...nodes.values()].map((node) => node.state);
  const starting = states.filter((state) => state === 'starting').length;
  const all = [...images.values()];
  const scanned = all.filter((image) => image.sketch !== null).length;
  const parts = [`${scanned} of ${all.length} images scanned`];
  if (starting > 0) parts.push(`${starting} of ${states.length} nodes starting`);
  return parts.join(' · ');
}
