import * as z from 'zod/mini';
import { KgetError } from '../../base/error.ts';
import type { Clock } from '../../base/clock.ts';
import { untilAnswered } from './condition.ts';
import type { Qmp } from './qmp.ts';

/** For whole disks, of which some are large and some hosts slow. */
const JOB_LIMIT_MS = 6 * 3_600_000;
/** For a job to take note that it is to end. */
const CANCEL_LIMIT_MS = 30_000;

const jobs = z.array(
  z.object({
    id: z.string(),
    status: z.string(),
    'current-progress': z.number(),
    error: z.optional(z.string()),
  }),
);

type Job = z.infer<typeof jobs>[number];

async function allJobs(qmp: Qmp): Promise<Job[]> {
  return jobs.parse(await qmp.execute('query-jobs'));
}

export interface JobTerms {
  readonly clock: Clock;
  /** What it does, for errors: `copy disk "root" of machine "a.1"`. */
  readonly what: string;
  readonly signal?: AbortSignal;
  readonly limitMs?: number;
}

/**
 * Waits until a job has come to its end, and dismisses it.
 * @returns the bytes that it has copied
 * @throws KgetError `no-room`, `internal` if it failed; as `untilAnswered`
 */
export async function awaitJob(qmp: Qmp, id: string, terms: JobTerms): Promise<number> {
  const { clock, what, signal, limitMs = JOB_LIMIT_MS } = terms;
  const ask = async (): Promise<Job | undefined> => {
    const found = (await allJobs(qmp)).find((job) => job.id === id);
    if (found === undefined) throw new KgetError('internal', `Cannot ${what}: its job is gone`);
    return found.status === 'concluded' ? found : undefined;
  };
  const signalOption = signal === undefined ? {} : { signal };
  const job = await untilAnswered(qmp, ask, { clock, limitMs, what, ...signalOption });
  await qmp.execute('job-dismiss', { id });
  if (job.error === undefined) return job['current-progress'];
  const code = /No space left/.test(job.error) ? 'no-room' : 'internal';
  throw new KgetError(code, `Cannot ${what}: ${job.error}`);
}

/** Waits until a mirror is level with its source; bytes that it has copied until then. */
export async function awaitReady(qmp: Qmp, id: string, terms: JobTerms): Promise<number> {
  const { clock, what, signal, limitMs = JOB_LIMIT_MS } = terms;
  const ask = async (): Promise<Job | undefined> => {
    const found = (await allJobs(qmp)).find((job) => job.id === id);
    if (found === undefined || found.error !== undefined || found.status === 'concluded') {
      throw new KgetError('internal', `Cannot ${what}: ${found?.error ?? 'its job has ended'}`);
    }
    return found.status === 'ready' ? found : undefined;
  };
  const signalOption = signal === undefined ? {} : { signal };
  const job = await untilAnswered(qmp, ask, { clock, limitMs, what, ...signalOption });
  return job['current-progress'];
}

/** Ends jobs whose ids begin so, whoever began them, and removes the nodes that they wrote to. */
export async function clearJobs(qmp: Qmp, prefix: string, clock: Clock): Promise<void> {
  const mine = (found: Job[]): Job[] => found.filter(({ id }) => id.startsWith(prefix));
  for (const { id, status } of mine(await allJobs(qmp))) {
    if (status === 'concluded') continue;
    // It may end meanwhile.
    await qmp.execute('block-job-cancel', { device: id, force: true }).catch(() => undefined);
  }
  const ask = async (): Promise<true | undefined> => {
    const left = mine(await allJobs(qmp));
    for (const { id, status } of left) {
      if (status === 'concluded') await qmp.execute('job-dismiss', { id }).catch(() => undefined);
    }
    return left.length === 0 ? true : undefined;
  };
  await untilAnswered(qmp, ask, { clock, limitMs: CANCEL_LIMIT_MS, what: 'jobs to be cancelled' });
  for (const { node } of await allNodes(qmp)) {
    if (!node.startsWith(prefix)) continue;
    // A node below another one of ours goes with that.
    await qmp.execute('blockdev-del', { 'node-name': node }).catch(() => undefined);
  }
}

const nodes = z.array(
  z.object({
    'node-name': z.string(),
    image: z.object({ 'virtual-size': z.number(), 'actual-size': z.optional(z.number()) }),
    'dirty-bitmaps': z.optional(
      z.array(
        z.object({
          name: z.optional(z.string()),
          count: z.number(),
          granularity: z.number(),
          recording: z.boolean(),
          busy: z.boolean(),
          inconsistent: z.optional(z.boolean()),
        }),
      ),
    ),
  }),
);

interface DiskBitmap {
  readonly name: string;
  readonly dirtyBytes: number;
  readonly granularityBytes: number;
  readonly inconsistent: boolean;
}

export interface DiskNode {
  readonly node: string;
  readonly sizeBytes: number;
  /** What its file takes; its size if that is not known. */
  readonly allocatedBytes: number;
  readonly bitmaps: readonly DiskBitmap[];
}

/** The nodes that we have named. */
export async function allNodes(qmp: Qmp): Promise<DiskNode[]> {
  const found = nodes.parse(await qmp.execute('query-named-block-nodes', { flat: true }));
  return found.map((it) => ({
    node: it['node-name'],
    sizeBytes: it.image['virtual-size'],
    allocatedBytes: it.image['actual-size'] ?? it.image['virtual-size'],
    bitmaps: (it['dirty-bitmaps'] ?? []).map((bitmap) => ({
      name: bitmap.name ?? '',
      dirtyBytes: bitmap.count,
      granularityBytes: bitmap.granularity,
      inconsistent: bitmap.inconsistent === true || !bitmap.recording,
    })),
  }));
}

/** @throws KgetError `internal` if the machine has no such node */
export async function nodeOf(qmp: Qmp, name: string): Promise<DiskNode> {
  const found = (await allNodes(qmp)).find(({ node }) => node === name);
  if (found !== undefined) return found;
  throw new KgetError('internal', `Cannot find disk node "${name}" in QEMU`);
}
