import type { Failure } from '../base/error.ts';
import { FRONTEND } from '../planner/types.ts';
import { assembleIfComplete } from './assembly.ts';
import { nodeOf } from './facts.ts';
import { markFailed } from './failed-transfer.ts';
import { adoptSpares, recallOrphans } from './resume.ts';
import type { Run } from './run.ts';
import { settleHeldBack } from './transfer-events.ts';
import { tellListed } from './withheld.ts';

/** Takes a node out of the run: its agent did not start, cannot work, or is gone. */
export function loseNode(run: Run, name: string, failure: Failure): void {
  if (name === FRONTEND) {
    run.abort(failure);
    return;
  }
  const node = nodeOf(run.facts, name);
  if (node.state !== 'starting' && node.state !== 'working') return;
  node.state = 'failed';
  run.report(failure, { node: name });
  run.ports.observer.nodeChanged(node);
  endTransfers(run, name);
  tellPlanner(run, name);
  endVouching(run, name);
  adoptSpares(run, name);
  tellListed(run);
  assembleIfComplete(run);
  recallOrphans(run);
}

/** Its images cannot be compared with what it has any more: what has come of them by now counts. */
function endVouching(run: Run, name: string): void {
  for (const image of run.facts.images.values()) {
    if (image.node !== name || image.vouch === 'given') continue;
    image.vouch = 'none';
    settleHeldBack(run, image);
  }
}

/** The planner subtracts lost nodes by itself, but only those that had joined. */
function tellPlanner(run: Run, name: string): void {
  if (run.servingPorts.has(name)) {
    run.feed({ type: 'lost', node: name });
    return;
  }
  const away = [...run.facts.nodes.values()].filter(
    (other) => other.state === 'failed' && !run.servingPorts.has(other.name),
  );
  run.feed({ type: 'expected', nodes: run.facts.nodes.size - away.length });
}

function endTransfers(run: Run, node: string): void {
  for (const transfer of run.facts.transfers.values()) {
    if (transfer.state !== 'moving' && transfer.state !== 'arrived') continue;
    if (transfer.from === node && transfer.state === 'moving') {
      run.crew.send(transfer.to, { type: 'cancel', transfer: transfer.id });
    } else if (transfer.to !== node) {
      continue;
    }
    markFailed(run, transfer);
  }
}
