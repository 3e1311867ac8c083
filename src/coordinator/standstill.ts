import { formatSize } from '../base/units.ts';
import { FRONTEND } from '../planner/types.ts';
import { unsafeImages, type ImageFacts, type TransferFacts } from './facts.ts';
import type { Run } from './run.ts';

/** An image that is missing, and what it waits for. */
export interface Awaited {
  readonly node: string;
  readonly path: string;
  readonly what: string;
}

/** What each image waits for that has not been given up. */
export function whatIsAwaited(run: Run): Awaited[] {
  const transfers = new Map<string, TransferFacts>();
  for (const transfer of run.facts.transfers.values()) {
    const { image, state } = transfer;
    if (state === 'moving' || state === 'arrived') transfers.set(image, transfer);
  }
  return unsafeImages(run.facts)
    .filter(({ state }) => state === 'moving')
    .map((image) => {
      const { id, node, path } = image;
      return { node, path, what: awaited(run, image, transfers.get(id)) };
    });
}

function awaited(run: Run, image: ImageFacts, transfer: TransferFacts | undefined): string {
  const isHeldBack = transfer !== undefined && image.heldBack.has(transfer.id);
  if (transfer !== undefined && !isHeldBack) return progressOf(image, transfer);
  const holder = image.route.at(-1);
  if (holder === undefined) return 'a copy: no node that takes part is known to hold one';
  if (isHeldBack || (holder === image.node && image.sketch === null)) {
    const scannedBytes = run.scannedBytes.get(image.id) ?? 0;
    return `its scan on ${image.node}: ${formatSize(scannedBytes)} of ${formatSize(image.sizeBytes)} so far`;
  }
  return `a way from ${holder} to this host: no transfer of it can start`;
}

function progressOf({ sizeBytes }: ImageFacts, { from, to, state, doneBytes }: TransferFacts) {
  const receiver = to === FRONTEND ? 'this host' : to;
  if (state === 'arrived') return `${receiver} to make it durable`;
  const sizes = `${formatSize(doneBytes)} of ${formatSize(sizeBytes)} so far`;
  return `its transfer from ${from} to ${receiver}: ${sizes}`;
}
