import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { JobOutcome } from '../../../src/job/record/job-record.ts';
import type { JobEnd } from '../../../src/job/run/known.ts';
import { cluster, type Cluster } from './cluster.ts';
import { drive, newFrontend, type Drive, type Frontend } from './driver.ts';
import { endsWith } from './scripts.ts';

const NODES = ['kn01', 'kn02'];
const SPEC = { nodes: NODES, onSuccess: { snapshot: 'disk', keep: false } } as const;
const MAX_COMMANDS = 4;

interface Tried {
  readonly nodes: Cluster;
  readonly front: Frontend;
  /** Of the command in which it happened. */
  readonly first: JobEnd;
  /** Of the last command. */
  readonly end: JobEnd;
  readonly at: string;
}

/**
 * Has something happen at each step of a job, one after the other, and takes the job up until it
 * ends.
 */
async function* atEachStep(
  happen: (on: { nodes: Cluster; front: Frontend; it: Drive }) => void,
  mend: (on: { nodes: Cluster }) => void = () => {},
): AsyncGenerator<Tried> {
  for (let place = 0; ; place += 1) {
    const nodes = cluster({ nodes: NODES, scriptOf: () => endsWith(0) });
    const front = newFrontend(nodes, SPEC);
    let steps = 0;
    let at: string | undefined;
    const onStep = (step: string, it: Drive): void => {
      if (steps === place) {
        at = step;
        happen({ nodes, front, it });
      }
      steps += 1;
    };
    const first = (await drive(nodes, front, { onStep })) ?? assert.fail('nobody killed it');
    if (at === undefined) return;
    let end: JobEnd = first;
    mend({ nodes });
    for (let command = 1; command < MAX_COMMANDS && !isOver(end); command += 1) {
      end = (await drive(nodes, front)) ?? assert.fail('nobody killed it');
    }
    assert.ok(isOver(end), `"${at}": ${JSON.stringify(end)} ${front.said.join('\n')}`);
    yield { nodes, front, first, end, at: `"${at}" (step ${place})` };
  }
}

function isOver({ state }: JobEnd): boolean {
  return state !== 'interrupted' && state !== 'held-up';
}

/** How the machines of a job ended, in the order of their numbers. */
function outcomes(front: Frontend): string[] {
  return [...front.state().vms.values()].map(({ outcome }) => outcomeOf(outcome));
}

function outcomeOf(outcome: JobOutcome | null): string {
  if (outcome === null) return 'open';
  return outcome.kind === 'exit' ? `exit ${outcome.status}` : outcome.reason;
}

/** Every node was given back, and every archive is here once. */
function assertWhole({ front, nodes }: Tried, at: string): void {
  nodes.assertClean();
  assert.deepEqual([...front.state().released.keys()].toSorted(), NODES, at);
  assert.deepEqual([...front.givenBack.values()], [1, 1], at);
  for (const { vm, outcome, outputsDirectory } of front.state().vms.values()) {
    if (outcome?.kind !== 'exit') continue;
    assert.equal(outputsDirectory, `/outputs/${vm}`, at);
    assert.equal(front.outputs.get(vm), 1, at);
  }
}

void suite('runJob, whatever happens at whatever step', () => {
  void test('`runJob` is interrupted by Ctrl-C, and its job ends as if it had not been', async () => {
    const firsts = new Set<string>();
    for await (const tried of atEachStep(({ it }) => it.interrupt())) {
      const { first, end, front, at } = tried;
      firsts.add(first.state);
      assert.deepEqual(end, { state: 'succeeded', kept: false }, at);
      assert.deepEqual(outcomes(front), ['exit 0', 'exit 0'], at);
      assert.equal(front.snapshots.size, 4, at);
      assert.ok(
        front.state().cuts.every(({ run }) => run !== null),
        at,
      );
      assertWhole(tried, at);
    }
    assert.ok(firsts.has('interrupted'));
  });

  void test('`runJob` leaves nothing of a job that is cancelled, as far as it has come', async () => {
    const ends = new Set<string>();
    for await (const tried of atEachStep(({ front }) => void (front.isCancelled = true))) {
      const { first, end, at } = tried;
      ends.add(end.state);
      assert.deepEqual(first, end, at);
      assertWhole(tried, at);
    }
    assert.deepEqual([...ends], ['cancelled', 'succeeded']);
  });

  void test('`runJob` ends the machines of others when a node dies, and its own when it is back', async () => {
    const firsts = new Set<string>();
    const deaths = atEachStep(
      ({ nodes }) => nodes.die('kn02'),
      ({ nodes }) => nodes.revive('kn02'),
    );
    for await (const tried of deaths) {
      const { first, front, at } = tried;
      firsts.add(first.state);
      assert.equal(outcomes(front)[0], 'exit 0', at);
      assert.notEqual(outcomes(front)[1], 'open', at);
      assert.ok(first.state !== 'interrupted', at);
      // Whoever waits for it is told which node it is.
      const told = [...front.said, ...('left' in first ? first.left.keys() : [])].join('\n');
      if (first.state !== 'succeeded') assert.match(told, /kn02/, at);
      tried.nodes.assertClean();
    }
    assert.deepEqual([...firsts].toSorted(), ['failed', 'held-up', 'succeeded']);
  });

  void test('`runJob` goes on with another agent when that of a node is lost', async () => {
    for await (const tried of atEachStep(({ nodes }) => nodes.loseAgents('kn02'))) {
      assert.deepEqual(outcomes(tried.front), ['exit 0', 'exit 0'], tried.at);
      assertWhole(tried, tried.at);
    }
  });
});
