import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { localLauncher } from '../control/local-launcher.ts';
import { gather } from '../coordinator/gather.ts';
import { NO_JOURNAL } from '../coordinator/journal.ts';
import type { GatherOutcome } from '../coordinator/ports.ts';
import { createAuthority } from '../transfer/identity.ts';
import { nodeLauncher } from './node-launcher.ts';
import { plannerOptions, type PlanOptions, type PlanSubject } from './plan-options.ts';
import { scanStatus } from './plan-status.ts';
import { showProgress } from './progress.ts';
import type { System } from './system.ts';

/**
 * Asks nodes for their images, with sizes and sketches, and for their room and links. Nothing is
 * moved or changed: this host's agent has an empty directory for a target, those of the nodes have
 * spools of their own, which are gone when they leave.
 */
export async function askNodes(
  { nodes, patterns, terms }: PlanSubject,
  options: PlanOptions,
  system: System,
): Promise<GatherOutcome> {
  const { clock, entropy, agent } = system;
  const startedMs = clock.nowMs();
  const run = `plan-${entropy.hex(8)}`;
  const targetDirectory = await mkdtemp(join(tmpdir(), 'kgetplus-plan-'));
  using progress = showProgress({ stream: system.stderr, clock, startedMs, status: scanStatus });
  try {
    const authority = await createAuthority(new Date());
    return await gather(
      {
        run,
        startedMs,
        nodes,
        patterns,
        ...terms,
        planner: plannerOptions(options),
        senders: 1,
        chunkSizeBytes: options.chunkSize,
        target: { layout: 'files', directory: targetDirectory },
        targetKey: run,
        spoolDirectory: options.spool ?? null,
        // Rates are as the hosts tell them; the forecast lays limits on.
        frontendBytesPerSecond: null,
        nodeBytesPerSecond: null,
        dryRun: 'scans',
        resumption: undefined,
      },
      {
        clock,
        nodes: nodeLauncher(system.agent, options, system),
        frontend: localLauncher({ ...agent, clock }),
        journal: NO_JOURNAL,
        identify: authority.issue,
        onRelease: () => Promise.resolve(undefined),
        observer: progress.observer,
        signal: system.interrupt,
      },
    );
  } finally {
    await rm(targetDirectory, { recursive: true, force: true });
  }
}
