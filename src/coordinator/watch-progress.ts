import type { NodeFacts, RunFacts } from './facts.ts';
import { loseNode } from './loss.ts';
import type { Run } from './run.ts';
import { whatIsAwaited } from './standstill.ts';

/** So many looks in a row must find that nothing has come forward, spread over the limit. */
const LOOKS = 16;

/**
 * Ends what cannot end by itself, until the run is over. When nothing has come forward for the
 * limit, nodes that have not named their images are given up; and if there are none, the run: what
 * is here is good, and each missing image is reported with what it waits for.
 */
export async function watchProgress(run: Run, act: (action: () => void) => void): Promise<void> {
  const { giveUpMs } = run.limits;
  let before = '';
  let quietLooks = 0;
  while (!run.over.aborted) {
    await run.ports.clock.sleep(giveUpMs / LOOKS, run.over);
    const now = progressOf(run);
    quietLooks = now === before ? quietLooks + 1 : 1;
    before = now;
    if (quietLooks >= LOOKS) act(() => endStandstill(run));
  }
}

/**
 * All that shows that the run comes forward, as one text: nodes and images by state, bytes that
 * were scanned and settled. Signs of life and frames without data are not in it.
 */
function progressOf({ facts, scannedBytes, servingPorts, planner }: Run): string {
  const { nodes, images, transfers, failures } = facts;
  return [
    planner === undefined ? 0 : 1,
    servingPorts.size,
    failures.length,
    states(nodes),
    states(images),
    states(transfers),
    count([...images.values()].map(({ sketch }) => (sketch === null ? 0 : 1))),
    count(scannedBytes.values()),
    count([...transfers.values()].map(({ doneBytes }) => doneBytes)),
  ].join(' ');
}

type Stateful = RunFacts['nodes'] | RunFacts['images'] | RunFacts['transfers'];

function states(facts: Stateful): string {
  const counts = new Map<string, number>();
  for (const { state } of facts.values()) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].map(([state, number]) => `${state}:${number}`).join();
}

function count(numbers: Iterable<number>): number {
  let sum = 0;
  for (const number of numbers) sum += number;
  return sum;
}

function endStandstill(run: Run): void {
  const mute = [...run.facts.nodes.values()].filter(({ state }) => state === 'starting');
  if (run.planner !== undefined && mute.length > 0) {
    for (const node of mute) loseNode(run, node.name, muteness(run, node));
    return;
  }
  const standstill = `Nothing has come forward for ${run.limits.giveUpMs / 1000} s`;
  for (const { node, path, what } of whatIsAwaited(run)) {
    const message = `Cannot gather ${node}:${path}: ${standstill.toLowerCase()}; it waits for ${what}`;
    run.report({ code: 'timeout', message }, { node, path });
  }
  const isReady = run.planner !== undefined;
  const reason = isReady ? '' : ": this host's agent has not become ready";
  const message = `${standstill}, so the run ends with what is here${reason}`;
  run.abort({ code: 'timeout', message });
}

function muteness(run: Run, { name }: NodeFacts) {
  const missing = run.servingPorts.has(name) ? 'named its images' : 'become ready';
  const message = `The agent on ${name} has not ${missing}, and nothing else is left to wait for`;
  return { code: 'timeout' as const, message };
}
