import { assert } from '../base/assert.ts';
import { toFailure } from '../base/error.ts';
import type { Configuration } from '../control/messages.ts';
import { FRONTEND } from '../planner/types.ts';
import { handleMessage } from './agent-events.ts';
import { execute } from './commands.ts';
import { createCrew } from './crew.ts';
import { endFacts } from './ending.ts';
import { createFacts, unsafeImages, type ImageFacts, type RunFacts } from './facts.ts';
import { controlSenders } from './frontend-senders.ts';
import { coordinatorMs, frontendMs, RUN_LIMITS, type RunLimits } from './limits.ts';
import { loseNode } from './loss.ts';
import type { GatherOutcome, GatherPlan, GatherPorts } from './ports.ts';
import type { Run } from './run.ts';
import { INITIAL_SENDERS } from './sender-control.ts';
import { watchProgress } from './watch-progress.ts';
import { watchTransfers } from './watch-transfers.ts';

/**
 * Gathers every image on the frontend and releases the nodes: starts the agents, feeds what they
 * say to the planner, carries out its commands, and sees to it that no agent is left when it
 * resolves. What went wrong is in the outcome's facts; it rejects only for faults of our own.
 */
export async function gather(plan: GatherPlan, ports: GatherPorts): Promise<GatherOutcome> {
  const senders = plan.senders === 'auto' ? INITIAL_SENDERS.allowed : plan.senders;
  const limits: RunLimits = { ...RUN_LIMITS, ...plan.limits };
  const over = new AbortController();
  const background = new Set<Promise<void>>();
  let wasAborted = false;
  const run: Run = {
    plan,
    ports,
    limits,
    facts: createFacts(plan.nodes, senders),
    crew: createCrew({
      launch: (node, signal) =>
        (node === FRONTEND ? ports.frontend : ports.nodes).launch(node, signal),
      clock: ports.clock,
      silenceMs: (node) => (node === FRONTEND ? frontendMs(limits) : limits.agentMs),
      configuration: async (node) => configurationFor(run, node, await ports.identify(node)),
      onMessage: (node, message) => whileRunning(() => handleMessage(run, node, message)),
      onLost: (node, failure) => whileRunning(() => loseNode(run, node, failure)),
    }),
    servingPorts: new Map(),
    scannedBytes: new Map(),
    spares: new Map(),
    keepsUnknown: new Set(),
    words: new Map(),
    recalled: new Set(),
    withheld: new Set(),
    owed: new Set(),
    seeded: new Set(),
    assembly: 'none',
    planner: undefined,
    over: over.signal,
    seconds: () => (ports.clock.nowMs() - plan.startedMs) / 1000,
    feed(event) {
      // A dry run decides nothing.
      if (plan.dryRun) return;
      assert(run.planner !== undefined, `"${event.type}" comes after the frontend is ready`);
      for (const command of run.planner.handle(event)) execute(run, command);
    },
    report(failure, { node, path }) {
      const entry = { ...failure, node: node ?? null, path: path ?? null };
      run.facts.failures.push(entry);
      ports.observer.failed(entry);
    },
    abort(failure) {
      run.report(failure, {});
      wasAborted = true;
      over.abort();
    },
    inBackground(work) {
      const tracked = work.catch((error: unknown) => run.abort(toFailure(error)));
      background.add(tracked);
      void tracked.finally(() => {
        background.delete(tracked);
        whileRunning(() => {});
      });
    },
  };

  function whileRunning(action: () => void): void {
    if (over.signal.aborted) return;
    try {
      action();
      if (isDone(run)) over.abort();
    } catch (error) {
      run.abort(toFailure(error));
    }
  }

  ports.observer.begun(run.facts);
  run.crew.start(FRONTEND);
  run.inBackground(watchTransfers(run, whileRunning));
  run.inBackground(watchProgress(run, whileRunning));
  if (plan.senders === 'auto') run.inBackground(controlSenders(run, whileRunning));
  await aborted(AbortSignal.any([over.signal, ports.signal]));
  const interrupted = ports.signal.aborted && !over.signal.aborted;
  over.abort();
  await Promise.all(background);
  const isComplete = !interrupted && !wasAborted;
  const isAllSafe = unsafeImages(run.facts).length === 0 && run.keepsUnknown.size === 0;
  const emptySpools = isComplete && !plan.dryRun && isAllSafe;
  await run.crew.disband({ emptySpools });
  const end = endFacts(run, { interrupted: !isComplete });
  return { facts: run.facts, interrupted, end };
}

function isDone({ planner, plan, facts }: Run): boolean {
  const states = new Set([...facts.nodes.values()].map((node) => node.state));
  if (planner === undefined || states.has('starting') || states.has('leaving')) return false;
  if (plan.dryRun === 'scans') return areScanned(facts);
  return plan.dryRun === 'names' || planner.idle();
}

/** Nobody is still scanning an image. */
function areScanned({ images, nodes }: RunFacts): boolean {
  const isScanned = ({ sketch, state, node }: ImageFacts): boolean =>
    sketch !== null || state === 'missing' || nodes.get(node)?.state !== 'working';
  return [...images.values()].every(isScanned);
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function configurationFor(
  { plan, limits }: Run,
  node: string,
  identity: Configuration['identity'],
): Configuration {
  const onFrontend = node === FRONTEND;
  return {
    type: 'configure',
    node,
    runId: plan.run,
    chunkSizeBytes: plan.chunkSizeBytes,
    identity,
    targetKey: plan.targetKey,
    spoolDirectory: plan.spoolDirectory,
    target: onFrontend ? plan.target : null,
    uploadBytesPerSecond: onFrontend ? null : plan.nodeBytesPerSecond,
    downloadBytesPerSecond: onFrontend ? plan.frontendBytesPerSecond : plan.nodeBytesPerSecond,
    stallMs: limits.stallMs,
    silenceMs: coordinatorMs(limits),
    // What a dry run learns is nothing to anybody else.
    orphanMs: plan.dryRun ? 0 : limits.orphanMs,
  };
}
