import { FRONTEND } from '../planner/types.ts';
import type { RunFacts } from './facts.ts';
import type { Run } from './run.ts';
import { adjustSenders, INITIAL_SENDERS } from './sender-control.ts';

/** How long the total rate is measured before another sender is tried. */
const INTERVAL_MS = 2000;

/**
 * Measures what the frontend receives and lets the planner use more senders while that grows, until
 * it does not, or the run is over (`--senders auto`).
 */
export async function controlSenders(run: Run, act: (action: () => void) => void): Promise<void> {
  let control = INITIAL_SENDERS;
  let before = frontendTraffic(run.facts);
  while (!run.over.aborted && !control.settled) {
    await run.ports.clock.sleep(INTERVAL_MS, run.over);
    const now = frontendTraffic(run.facts);
    const bytesPerSecond = ((now.bytes - before.bytes) * 1000) / INTERVAL_MS;
    control = adjustSenders(control, {
      bytesPerSecond,
      senders: Math.min(before.senders, now.senders),
    });
    before = now;
    if (control.allowed === run.facts.sendersAllowed) continue;
    run.facts.sendersAllowed = control.allowed;
    act(() => run.feed({ type: 'senders-allowed', senders: control.allowed }));
  }
}

function frontendTraffic(facts: RunFacts): { bytes: number; senders: number } {
  const toFrontend = [...facts.transfers.values()].filter((transfer) => transfer.to === FRONTEND);
  return {
    bytes: toFrontend.reduce((sum, transfer) => sum + transfer.wireBytes, 0),
    senders: toFrontend.filter((transfer) => transfer.state === 'moving').length,
  };
}
