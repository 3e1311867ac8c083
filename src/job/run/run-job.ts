import type { JobEnding } from '../job-spec.ts';
import { beginDrive } from './drive-job.ts';
import { giveBackOwed } from './give-back-nodes.ts';
import type { JobEnd, KnownJob } from './known.ts';
import type { JobPorts } from './ports.ts';
import type { JobParts } from './want-vm.ts';

export type { JobEnd, KnownJob } from './known.ts';

/** After a cancelled job nothing stays. */
const CANCELLED: JobEnding = { snapshot: 'none', keep: false };

/**
 * Runs a job to its end, from wherever it is: deploys what its machines need, starts them, waits for
 * them, and ends them as the job wants it. Each step finds what was done before, so it can be taken
 * up again after a crash of this command at any point.
 */
export async function runJob(parts: JobParts, known: KnownJob, ports: JobPorts): Promise<JobEnd> {
  await giveBackOwed(known.owed, ports);
  const nodes = parts.spec.nodes.filter((node) => !known.released.has(node));
  await using hosts = await ports.connect(nodes, ports.signal);
  if (ports.signal.aborted) return { state: 'interrupted' };
  for (const [node, failure] of hosts.failures) ports.say(`${node}: ${failure.message}`);
  await using drive = beginDrive(parts, { known, hosts, ports });
  let isCancelled = known.isCancelled;
  if (!isCancelled) {
    const result = await drive.bringToEnd();
    if (result === 'interrupted') return { state: 'interrupted' };
    isCancelled = result === 'cancelled';
    if (isCancelled) ports.record({ type: 'cancelled', at: ports.now() });
  }
  const hasWorked = drive.hasWorked();
  const ending = isCancelled ? CANCELLED : hasWorked ? parts.spec.onSuccess : parts.spec.onFailure;
  const left = await drive.finish(ending);
  if (ports.signal.aborted) return { state: 'interrupted' };
  if (left.size > 0) return { state: 'held-up', left };
  const state = known.result ?? (isCancelled ? 'cancelled' : hasWorked ? 'succeeded' : 'failed');
  ports.record({ type: 'finished', state, kept: ending.keep, at: ports.now() });
  return { state, kept: ending.keep };
}
