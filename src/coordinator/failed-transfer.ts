import { FRONTEND } from '../planner/types.ts';
import type { TransferFacts } from './facts.ts';
import type { Run } from './run.ts';

/** A transfer has ended without a copy: the facts and the journal know, the planner not yet. */
export function markFailed(run: Run, transfer: TransferFacts): void {
  const { image, to } = transfer;
  transfer.state = 'failed';
  transfer.endSeconds ??= run.seconds();
  const onFrontend = to === FRONTEND;
  const figures = figuresOf(run, transfer);
  run.ports.journal.append({
    type: 'failed',
    image,
    to: onFrontend ? null : to,
    transfer: figures,
  });
}

/** What the journal says of a transfer that has ended. */
export function figuresOf(run: Run, transfer: TransferFacts) {
  const { from, startSeconds, endSeconds, wireBytes, chunks } = transfer;
  return { from, startSeconds, endSeconds: endSeconds ?? run.seconds(), wireBytes, chunks };
}
