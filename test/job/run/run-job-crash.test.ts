import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import type { JobSpec } from '../../../src/job/job-spec.ts';
import type { GuestScript } from '../../../src/hypervisor/simulated/guest.ts';
import { cluster, type Cluster } from './cluster.ts';
import { drive, newFrontend, type Frontend } from './driver.ts';
import { endsWith } from './scripts.ts';

const NODES = ['kn01', 'kn02'];
/** Commands that take a job up until it has ended. */
const MAX_COMMANDS = 12;

function scriptOf(vm: string): GuestScript {
  return endsWith(vm.endsWith('.2') ? 3 : 0);
}

type Endings = Partial<Pick<JobSpec, 'onFailure' | 'nodes'>>;

/** Jobs whose second machine fails. */
const JOBS: readonly (readonly [what: string, spec: Endings])[] = [
  ['leaves nothing', {}],
  ['leaves snapshots of disks', { onFailure: { snapshot: 'disk', keep: false } }],
  ['leaves snapshots with memory', { onFailure: { snapshot: 'memory', keep: false } }],
  ['keeps its machines', { onFailure: { snapshot: 'disk', keep: true } }],
];

interface Outcome {
  readonly cluster: Cluster;
  readonly frontend: Frontend;
  readonly steps: number;
  readonly commands: number;
  readonly last: string;
}

/** Runs a job whose commands are killed at these steps, counted from the first command on. */
async function runCrashing(spec: Endings, crashes: readonly number[]): Promise<Outcome> {
  const nodes = cluster({ nodes: NODES, scriptOf });
  const frontend = newFrontend(nodes, { nodes: NODES, ...spec });
  const left = [...crashes];
  let steps = 0;
  let last = '';
  for (let commands = 1; commands <= MAX_COMMANDS; commands += 1) {
    const end = await drive(nodes, frontend, {
      onStep(step, it) {
        if (left[0] !== undefined && steps >= left[0]) {
          left.shift();
          last = step;
          it.crash();
        }
        steps += 1;
      },
    });
    if (end === null) continue;
    assert.equal(end.state, 'failed', JSON.stringify([...('left' in end ? end.left : [])]));
    return { cluster: nodes, frontend, steps, commands, last };
  }
  return assert.fail(`the job did not end within ${MAX_COMMANDS} commands`);
}

/** What counts of a job that has ended, however often its commands were killed. */
function resultOf({ frontend }: Outcome) {
  const { vms, cuts, released, givenBack, finished } = frontend.state();
  return {
    vms: [...vms.values()].map(({ vm, node, outcome, outputsDirectory }) => {
      return { vm, node, outcome, outputsDirectory };
    }),
    cuts: cuts.map(({ run, nodes, vms: inCut }) => {
      return { run, nodes: nodes.toSorted(), vms: inCut.map(({ vm }) => vm).toSorted() };
    }),
    released: [...released.keys()].toSorted(),
    givenBack: [...givenBack].toSorted(),
    finished: finished?.state,
    kept: finished?.kept,
    outputs: Object.fromEntries(frontend.outputs),
    snapshots: Object.fromEntries(frontend.snapshots),
    logs: Object.fromEntries(frontend.logs),
  };
}

function check(outcome: Outcome, whole: Outcome, spec: Endings, seed: string): void {
  const { frontend } = outcome;
  const where = `${seed}, killed at "${outcome.last}"`;
  assert.deepEqual(resultOf(outcome), resultOf(whole), where);
  const releases = frontend.records.flatMap((it) => (it.type === 'released' ? it.node : []));
  assert.equal(new Set(releases).size, releases.length, `${where}: released twice`);
  for (const node of releases)
    assert.ok((frontend.givenBack.get(node) ?? 0) > 0, `${where}: ${node}`);
  const outputs = frontend.records.filter(({ type }) => type === 'outputs');
  assert.equal(outputs.length, frontend.outputs.size, `${where}: outputs noted twice`);
  if (spec.onFailure?.keep !== true) outcome.cluster.assertClean();
}

void suite('runJob after crashes', () => {
  for (const [what, spec] of JOBS) {
    void test(`\`runJob\` ends a job that ${what} as if nothing had been, wherever its command is killed`, async () => {
      const whole = await runCrashing(spec, []);
      for (let step = 0; step < whole.steps; step += 1) {
        const outcome = await runCrashing(spec, [step]);
        assert.equal(outcome.commands, 2);
        check(outcome, whole, spec, `step ${step}`);
      }
    });
  }

  void test('`runJob` ends a job whose commands are killed again and again', async () => {
    const wholes = await Promise.all(JOBS.map(([, spec]) => runCrashing(spec, [])));
    const crashes = fc.array(fc.nat(200), { minLength: 2, maxLength: MAX_COMMANDS - 2 });
    await fc.assert(
      fc.asyncProperty(fc.nat(JOBS.length - 1), crashes, async (place, at) => {
        const [, spec] = JOBS[place] ?? assert.fail();
        const whole = wholes[place] ?? assert.fail();
        const killed = at.toSorted((one, other) => one - other);
        // fast-check tells the seed.
        check(await runCrashing(spec, killed), whole, spec, `steps ${killed.join(', ')}`);
      }),
      { numRuns: 40 },
    );
  });
});
