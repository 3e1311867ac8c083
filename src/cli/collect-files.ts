import { KgetError, type Failure } from '../base/error.ts';
import { parseSize } from '../base/units.ts';
import { DEFAULT_LEVEL } from '../content/zstd.ts';
import { localLauncher } from '../control/local-launcher.ts';
import { fileLayout } from './file-layout.ts';
import { MAX_HOPS, runGather, type GatherResult } from './gather-run.ts';
import { launchOptions, type HostReach } from './host-crew.ts';
import { nodeLauncher } from './node-launcher.ts';
import { showProgress } from './progress.ts';
import { storeLayout } from './store-layout.ts';
import type { System } from './system.ts';

/** Chunks of snapshots and images alike, so that they are found to be the same. */
export const VM_CHUNK_BYTES = parseSize('128KiB');

/** Another gather into the same store is waited for; looked at so often. */
const LOCK_LIMIT_MS = 10 * 60_000;
const LOCK_POLL_MS = 2000;

export interface FilesToCollect {
  readonly nodes: readonly string[];
  /** Absolute paths and globs, the same on all nodes. */
  readonly patterns: readonly string[];
  readonly directory: string;
  readonly layout: 'files' | 'store';
  readonly reach: HostReach;
  onEmptied(node: string): Promise<Failure | undefined>;
}

/**
 * Gathers files from nodes as `gather` does, and waits for another gather that works in the same
 * directory. @throws KgetError as `runGather`
 */
export async function collectFiles(wanted: FilesToCollect, system: System): Promise<GatherResult> {
  const { clock, interrupt } = system;
  const sinceMs = clock.nowMs();
  for (;;) {
    try {
      return await collect(wanted, system);
    } catch (error) {
      const isLocked = error instanceof KgetError && error.code === 'locked';
      const isLate = clock.nowMs() - sinceMs > LOCK_LIMIT_MS;
      if (!isLocked || isLate || interrupt.aborted) throw error;
      await clock.sleep(LOCK_POLL_MS, interrupt);
    }
  }
}

/** Of the nodes that were asked, those of which nothing came, or not all. */
export function lackingNodes({ outcome }: GatherResult, nodes: readonly string[]): string[] {
  const images = [...outcome.facts.images.values()];
  return nodes.filter((node) => {
    const own = images.filter((image) => image.node === node);
    return own.length === 0 || own.some(({ state }) => state !== 'safe');
  });
}

async function collect(wanted: FilesToCollect, system: System): Promise<GatherResult> {
  const { clock, stderr } = system;
  const { reach, layout } = wanted;
  using progress = showProgress({ stream: stderr, clock, startedMs: clock.nowMs() });
  return await runGather(
    {
      nodes: wanted.nodes,
      patterns: wanted.patterns,
      objective: { kind: 'mean' },
      maxHops: MAX_HOPS,
      copies: 1,
      nodeTerms: new Map(),
      rackUplinks: new Map(),
      senders: 1,
      chunkSizeBytes: VM_CHUNK_BYTES,
      targetDirectory: wanted.directory,
      layout: layout === 'store' ? storeLayout(DEFAULT_LEVEL) : fileLayout,
      command: system.commandLine,
      spoolDirectory: reach.directory === null ? null : `${reach.directory}/spool`,
      frontendBytesPerSecond: null,
      nodeBytesPerSecond: null,
      dryRun: false,
      fresh: false,
      reportPath: null,
    },
    {
      clock,
      entropy: system.entropy,
      nodes: nodeLauncher(system.agent, launchOptions(reach), system),
      frontend: localLauncher({ ...system.agent, clock }),
      // Its nodes are released later, if they are.
      observer: { ...progress.observer, nodeChanged: () => {} },
      onRelease: (node) => wanted.onEmptied(node),
      signal: system.interrupt,
    },
  );
}
