import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Clock } from '../../../src/base/clock.ts';
import { KgetError } from '../../../src/base/error.ts';
import type { Hypervisor } from '../../../src/hypervisor/hypervisor.ts';
import { faultyHypervisor, type Fault } from '../../../src/hypervisor/simulated/faulty.ts';
import type { GuestScript } from '../../../src/hypervisor/simulated/guest.ts';
import { STATUS_PORT } from '../../../src/guest/protocol.ts';
import type { JobSpec } from '../../../src/job/job-spec.ts';
import { startHost } from '../../../src/job/hosts/hosts.ts';
import { migrateVm } from '../../../src/job/life/migrate-vm.ts';
import { outcomeText } from '../../../src/job/life/judge-vm.ts';
import { wantVm } from '../../../src/job/run/want-vm.ts';
import { partsOf } from '../../../src/job/record/known-job.ts';
import { MEBIBYTE } from '../../host/fixture.ts';
import { cluster, type Cluster, type ClusterOptions } from './cluster.ts';
import { drive, hostOptions, JOB, newFrontend, type Frontend } from './driver.ts';
import { endsWith, says } from './scripts.ts';

const GOOD = endsWith(0);
const STARTED = [says(0, 'ready'), says(0, 'started')];

/** How the machines of a job ended, in the order of their numbers. */
function outcomes(front: Frontend): string[] {
  const all = [...front.state().vms.values()];
  return all.map(({ outcome }) => (outcome === null ? 'open' : outcomeText(outcome)));
}

/** A cluster on which the second machine has this guest; the others are good. */
function withSecond(script: GuestScript): ClusterOptions {
  return { scriptOf: (vm) => (vm.endsWith('.2') ? script : GOOD) };
}

/** What is wrong with the second machine, and what becomes of it. */
const GUESTS: readonly (readonly [
  what: string,
  script: GuestScript,
  spec: Partial<JobSpec>,
  outcome: string,
  told: RegExp,
])[] = [
  ['has a command that fails', endsWith(3), {}, 'exit 3', /\.2 on kn02: exit 3/],
  ['has a command that is not there', endsWith(127), {}, 'exit 127', /\.2 on kn02: exit 127/],
  [
    'ran into its time limit',
    endsWith(124),
    { timeLimitMs: 5000 },
    'exit 124 (time limit)',
    /time limit/,
  ],
  [
    'hangs',
    { ...GOOD, steps: STARTED },
    { timeLimitMs: 5000 },
    'time limit',
    /\.2 on kn02: time limit: still running .* s after its start/,
  ],
  [
    'never boots',
    { ...GOOD, bootMs: null },
    { bootLimitMs: 20_000 },
    'never booted',
    /its command did not start within 20 s/,
  ],
  [
    'panics',
    { ...GOOD, steps: [...STARTED, { atMs: 1000, kind: 'panic' }] },
    {},
    'panicked',
    /the kernel of the guest panicked/,
  ],
  [
    'powers off in the middle',
    { ...GOOD, steps: [...STARTED, { atMs: 1000, kind: 'power-off' }] },
    {},
    'ended',
    /\.2 on kn02: ended: the guest has shut down/,
  ],
  [
    'has a runner that gives up',
    { ...GOOD, steps: [says(0, 'ready'), says(0, 'failed no disk', STATUS_PORT)] },
    {},
    'runner',
    /\.2 on kn02: runner: no disk/,
  ],
];

type Wrap = (hypervisor: Hypervisor, clock: Clock) => Hypervisor;

/** What is wrong with the second node, and what is told of its machine. */
const HOSTS: readonly (readonly [what: string, fault: Wrap, told: RegExp])[] = [
  [
    'is of another architecture',
    (it) => ({
      ...it,
      probe: async () => ({ version: '1', accelerator: 'none', arch: 'aarch64' }),
    }),
    /\.2 on kn02: not created: .*the image is x86_64, kn02 is aarch64/,
  ],
  [
    'has no hypervisor',
    (it, clock) => faulty(it, clock, { probe: { kind: 'throws', code: 'unreachable' } }),
    /\.2 on kn02: not created: Cannot probe/,
  ],
  [
    'cannot make machines',
    (it, clock) => faulty(it, clock, { create: { kind: 'throws', code: 'no-room' } }),
    /\.2 on kn02: not created: Cannot create/,
  ],
  [
    'cannot start machines',
    (it, clock) => faulty(it, clock, { start: { kind: 'hangs' } }),
    /\.2 on kn02: not created: Cannot start/,
  ],
];

function faulty(it: Hypervisor, clock: Clock, faults: Readonly<Record<string, Fault>>): Hypervisor {
  return faultyHypervisor(it, { clock, limitMs: 5000, faultOf: (call) => faults[call] });
}

async function whole(nodes: Cluster, front: Frontend): Promise<string> {
  const end = await drive(nodes, front);
  nodes.assertClean();
  return end?.state ?? 'killed';
}

void suite('runJob', () => {
  void test('`runJob` brings a job to its end, with outputs and logs here and its nodes given back', async () => {
    const nodes = cluster({ scriptOf: () => GOOD });
    const front = newFrontend(nodes, { onSuccess: { snapshot: 'memory', keep: false } });
    assert.equal(await whole(nodes, front), 'succeeded');
    assert.deepEqual(outcomes(front), ['exit 0', 'exit 0', 'exit 0']);
    assert.deepEqual([...front.outputs.values()], [1, 1, 1]);
    assert.equal(front.logs.get(`${JOB}.2 command`), 'half\n');
    assert.deepEqual([...front.givenBack.keys()].toSorted(), ['kn01', 'kn02', 'kn03']);
    assert.ok(front.snapshots.has(`kn03/${JOB}.3-memory`));
  });

  for (const [what, script, spec, outcome, told] of GUESTS) {
    void test(`\`runJob\` fails a job, and ends the others, when a guest ${what}`, async () => {
      const nodes = cluster(withSecond(script));
      const front = newFrontend(nodes, spec);
      assert.equal(await whole(nodes, front), 'failed');
      assert.deepEqual(outcomes(front), ['exit 0', outcome, 'exit 0']);
      assert.match(front.said.join('\n'), told);
    });
  }

  for (const [what, fault, told] of HOSTS) {
    void test(`\`runJob\` fails a job, and ends the others, when a node ${what}`, async () => {
      const nodes = cluster({
        scriptOf: () => GOOD,
        wrap: (node, it, clock) => (node === 'kn02' ? fault(it, clock) : it),
      });
      const front = newFrontend(nodes);
      assert.equal(await whole(nodes, front), 'failed');
      assert.deepEqual(outcomes(front), ['exit 0', 'not created', 'exit 0']);
      assert.match(front.said.join('\n'), told);
    });
  }

  void test('`runJob` ends a guest by force that does not power off, and says so', async () => {
    const nodes = cluster(withSecond({ ...GOOD, shutdownMs: null }));
    const front = newFrontend(nodes, { shutdownLimitMs: 10_000 });
    assert.equal(await whole(nodes, front), 'succeeded');
    const how = [...front.state().vms.values()].map(({ shutDown }) => shutDown);
    assert.deepEqual(how, ['clean', 'forced', 'clean']);
    assert.match(
      front.said.join('\n'),
      /\.2: did not power off within 10 s, and was ended by force/,
    );
  });

  void test('`runJob` says how much memory a node lacks, and runs what fits', async () => {
    const nodes = cluster({ nodes: ['kn01'], scriptOf: () => GOOD });
    const front = newFrontend(nodes, { nodes: ['kn01'], vmsPerNode: 3 });
    const end = await drive(nodes, front, { memoryLimitBytes: 300 * MEBIBYTE });
    assert.equal(end?.state, 'failed');
    assert.deepEqual(outcomes(front).toSorted(), ['exit 0', 'exit 0', 'not created']);
    assert.match(front.said.join('\n'), /not created: .*256 MiB of 300 MiB are taken/);
    nodes.assertClean();
  });

  void test('two jobs on one node do not touch each other', async () => {
    const nodes = cluster({ nodes: ['kn01'], scriptOf: () => GOOD });
    const spec = { nodes: ['kn01'] };
    const [one, other] = [newFrontend(nodes, spec), newFrontend(nodes, spec, 'other-job')];
    const limit = { memoryLimitBytes: 150 * MEBIBYTE };
    let second: ReturnType<typeof drive> | undefined;
    const first = await drive(nodes, one, {
      ...limit,
      onStep(step) {
        if (step === 'record started') second = drive(nodes, other, limit);
      },
    });
    assert.deepEqual([first?.state, (await second)?.state], ['succeeded', 'failed']);
    assert.match(other.said.join('\n'), new RegExp(`other-job.1 .*${JOB}.1 128 MiB`));
    nodes.assertClean();
  });

  void test('`runJob` says that a node has no room for outputs', async () => {
    const nodes = cluster({ nodes: ['kn01'], scriptOf: () => GOOD });
    const front = newFrontend(nodes, { nodes: ['kn01'], outputRoomBytes: 2 ** 52 });
    assert.equal(await whole(nodes, front), 'failed');
    assert.match(front.said.join('\n'), /not created: Cannot store machine .* needed/);
  });

  void test('`runJob` keeps machines that are wanted to stay, until the job is cancelled', async () => {
    const nodes = cluster(withSecond(endsWith(1)));
    const front = newFrontend(nodes, { onFailure: { snapshot: 'disk', keep: true } });
    assert.deepEqual(await drive(nodes, front), { state: 'failed', kept: true });
    assert.equal(nodes.node('kn02').simulated.machines.get(`${JOB}.2`)?.state, 'running');
    assert.equal(front.givenBack.size, 0);
    assert.ok(front.outputs.has(`${JOB}.1`));
    front.isCancelled = true;
    assert.deepEqual(await drive(nodes, front), { state: 'failed', kept: false });
    assert.equal(front.givenBack.size, 3);
    nodes.assertClean();
  });

  void test('`runJob` follows a machine that is migrated while it is watched', async () => {
    const nodes = cluster({ scriptOf: () => ({ ...endsWith(0), bootMs: 5000 }) });
    const front = newFrontend(nodes);
    const parts = partsOf(front.state());
    let moving: Promise<unknown> | undefined;
    const move = async (): Promise<void> => {
      const options = { ...hostOptions(nodes, front), signal: new AbortController().signal };
      const [source, target] = [await startHost('kn01', options), await startHost('kn02', options)];
      const terms = { limitMs: 60_000, downtimeLimitMs: 300, bytesPerSecond: null };
      const wanted = wantVm(`${JOB}.1`, parts);
      const { signal } = options;
      const shared = { sharedStorage: false };
      await migrateVm({ wanted, source, target, ...shared, ...terms, signal, onMoved: () => {} });
      for (const { caller } of [source, target]) caller.close();
    };
    const end = await drive(nodes, front, {
      onStep(step) {
        if (step === 'record started') moving ??= move();
      },
    });
    await moving;
    assert.equal(end?.state, 'succeeded');
    assert.equal(front.state().vms.get(`${JOB}.1`)?.node, 'kn02');
    assert.deepEqual(
      [...front.outputs.keys()].toSorted(),
      [1, 2, 3].map((it) => `${JOB}.${it}`),
    );
    nodes.assertClean();
  });

  void test('`runJob` throws when what machines start from cannot be had, and goes on later', async () => {
    const nodes = cluster({ scriptOf: () => GOOD });
    const front = newFrontend(nodes);
    const first = drive(nodes, front, {
      onStep(step) {
        if (step === 'deploy') throw new KgetError('no-match', 'the image is gone');
      },
    });
    await assert.rejects(first, { message: 'the image is gone' });
    assert.deepEqual(outcomes(front), ['open', 'open', 'open']);
    assert.equal(await whole(nodes, front), 'succeeded');
  });
});
