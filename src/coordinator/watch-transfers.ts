import { FRONTEND } from '../planner/types.ts';
import { imageOf, type TransferFacts } from './facts.ts';
import { markFailed } from './failed-transfer.ts';
import { idleMs } from './limits.ts';
import { spoil } from './node-events.ts';
import type { Run } from './run.ts';

/**
 * So many looks in a row must find silence, spread over the limit. After this process was held up
 * only one look comes before the messages that have long arrived.
 */
const LOOKS = 16;

/** What was found of a transfer at the last look. */
interface Look {
  readonly heardSeconds: number;
  readonly state: TransferFacts['state'];
  /** Grows while the transfer comes forward, or the scan that it waits for. */
  readonly progressBytes: number;
  /** Looks since it was heard of, this one included. */
  readonly quietLooks: number;
  /** Looks since it came forward, this one included. */
  readonly idleLooks: number;
}

/**
 * Gives transfers up until the run is over: those whose receivers have gone silent (one that lives
 * tells its counters several times within the stall limit, whether bytes come or not), and those
 * that do not come forward, which a sender that stalls is not the reason of: that is noticed sooner.
 */
export async function watchTransfers(run: Run, act: (action: () => void) => void): Promise<void> {
  const { limits, ports, facts } = run;
  const intervalMs = limits.stallMs / LOOKS;
  const mostIdleLooks = Math.max(LOOKS, Math.floor(idleMs(limits) / intervalMs));
  let looks: ReadonlyMap<string, Look> = new Map();
  while (!run.over.aborted) {
    await ports.clock.sleep(intervalMs, run.over);
    const open = [...facts.transfers.values()].filter(isOpen);
    const before = looks;
    const scans = open.some((transfer) => awaitsScan(run, transfer)) ? scanProgress(run) : null;
    const lookAt = (transfer: TransferFacts): Look => {
      const scannedBytes = scans?.get(imageOf(facts, transfer.image).node) ?? 0;
      const progressBytes = transfer.doneBytes + (awaitsScan(run, transfer) ? scannedBytes : 0);
      return look({ ...transfer, progressBytes }, before.get(transfer.id));
    };
    looks = new Map(open.map((transfer) => [transfer.id, lookAt(transfer)]));
    for (const transfer of open) {
      const { quietLooks = 0, idleLooks = 0 } = looks.get(transfer.id) ?? {};
      const isSilent = transfer.state === 'moving' && quietLooks >= LOOKS;
      if (!isSilent && idleLooks < mostIdleLooks) continue;
      act(() => {
        // An action before this one may have ended it.
        if (!isOpen(transfer)) return;
        if (isSilent) giveUpSilent(run, transfer);
        else giveUpIdle(run, transfer);
      });
    }
  }
}

function isOpen({ state }: TransferFacts): boolean {
  return state === 'moving' || state === 'arrived';
}

function look(
  { heardSeconds, state, progressBytes }: Omit<Look, 'quietLooks' | 'idleLooks'>,
  before: Look | undefined,
): Look {
  const isHeard = heardSeconds !== before?.heardSeconds;
  const hasMoved = progressBytes !== before?.progressBytes || state !== before.state;
  return {
    heardSeconds,
    state,
    progressBytes,
    quietLooks: isHeard ? 1 : before.quietLooks + 1,
    idleLooks: hasMoved ? 1 : before.idleLooks + 1,
  };
}

/** Its digests come from a scan, or its copy is held back until one has ended. */
function awaitsScan(run: Run, { id, state, image, from }: TransferFacts): boolean {
  const { node, sketch, heldBack } = imageOf(run.facts, image);
  if (heldBack.has(id)) return true;
  return state === 'moving' && from === node && sketch === null;
}

/** By node: its images are scanned one after the other, so the progress of one is that of all. */
function scanProgress({ facts, scannedBytes }: Run): Map<string, number> {
  const progress = new Map<string, number>();
  for (const { id, node, sketch, sizeBytes } of facts.images.values()) {
    const bytes = sketch === null ? (scannedBytes.get(id) ?? 0) : sizeBytes + 1;
    progress.set(node, (progress.get(node) ?? 0) + bytes);
  }
  return progress;
}

function giveUpSilent(run: Run, transfer: TransferFacts): void {
  const seconds = run.limits.stallMs / 1000;
  giveUp(run, transfer, `the agent there has said nothing for ${seconds} s`);
}

function giveUpIdle(run: Run, transfer: TransferFacts): void {
  const seconds = idleMs(run.limits) / 1000;
  if (!awaitsScan(run, transfer)) {
    giveUp(run, transfer, `the agent there has not brought it forward for ${seconds} s`);
    return;
  }
  const { node, path, heldBack } = imageOf(run.facts, transfer.image);
  const message = `Cannot read ${path} on ${node}: its scan has not come forward for ${seconds} s`;
  // A copy that is held back is decided on with its image.
  const isHeldBack = heldBack.has(transfer.id);
  if (!isHeldBack) end(run, transfer);
  // In this order: the planner must not try the copy again.
  spoil(run, { node, path, failure: { code: 'timeout', message } });
  if (!isHeldBack) run.feed({ type: 'failed', transfer: transfer.id, blame: 'source' });
}

function giveUp(run: Run, transfer: TransferFacts, found: string): void {
  const { id, from, to } = transfer;
  const { node, path } = imageOf(run.facts, transfer.image);
  const receiver = to === FRONTEND ? 'this host' : to;
  const message = `Cannot move the image ${node}:${path} from ${from} to ${receiver}: ${found}`;
  end(run, transfer);
  run.report({ code: 'timeout', message }, { node: to === FRONTEND ? from : to, path });
  run.feed({ type: 'failed', transfer: id, blame: 'target' });
}

function end(run: Run, transfer: TransferFacts): void {
  markFailed(run, transfer);
  run.crew.send(transfer.to, { type: 'cancel', transfer: transfer.id });
}
