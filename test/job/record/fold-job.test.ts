import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { foldJob } from '../../../src/job/record/fold-job.ts';
import type { JobRecord } from '../../../src/job/record/job-record.ts';
import { phaseOf, resultOf, vmState, type JobState } from '../../../src/job/record/job-state.ts';
import { knownJob } from '../../../src/job/record/known-job.ts';
import { AT, cutRecord, ended, JOB, LATER, started, submitted, vm } from './sample.ts';

const ALL = [1, 2, 3, 4];

function fold(records: readonly JobRecord[], spec: Parameters<typeof submitted>[0] = {}): JobState {
  const state = foldJob([submitted(spec), ...records]);
  return state ?? assert.fail('no job');
}

function released(node: string): JobRecord {
  return { type: 'released', node, at: LATER };
}

function finished(state: 'succeeded' | 'failed' | 'cancelled', kept: boolean): JobRecord {
  return { type: 'finished', state, kept, at: LATER };
}

/** What the machines of a job are, in the order of their numbers. */
function states(records: readonly JobRecord[]): string {
  return [...fold(records).vms.values()].map((it) => `${it.node} ${vmState(it)}`).join(', ');
}

void suite('foldJob', () => {
  void test('`foldJob` knows of no job when none was submitted', () => {
    assert.equal(foldJob([]), undefined);
    assert.equal(foldJob([started(1)]), undefined);
  });

  void test('`foldJob` places machines node after node when a job is submitted', () => {
    assert.equal(states([]), 'kn01 placed, kn01 placed, kn02 placed, kn02 placed');
    assert.deepEqual([...fold([]).vms.keys()], ALL.map(vm));
  });

  const histories: readonly (readonly [
    what: string,
    records: readonly JobRecord[],
    state: string,
  ])[] = [
    ['is created', [{ type: 'created', vm: vm(1) }], 'kn01 created'],
    ['runs', [started(1)], 'kn01 running'],
    ['is created after it ran', [started(1), { type: 'created', vm: vm(1) }], 'kn01 running'],
    ['is paused', [started(1), { type: 'paused', vm: vm(1) }], 'kn01 paused'],
    ['is suspended', [started(1), { type: 'suspended', vm: vm(1) }], 'kn01 suspended'],
    [
      'goes on',
      [started(1), { type: 'suspended', vm: vm(1) }, { type: 'resumed', vm: vm(1) }],
      'kn01 running',
    ],
    [
      'ends while it is paused',
      [started(1), { type: 'paused', vm: vm(1) }, ended(1, 0)],
      'kn01 ended',
    ],
    ['runs after it ended', [ended(1, 0), started(1)], 'kn01 ended'],
    [
      'moves',
      [started(1), { type: 'moved', vm: vm(1), from: 'kn01', to: 'kn02', downtimeMs: 18, at: AT }],
      'kn02 running',
    ],
    ['is on a node that is released', [ended(1, 0), released('kn01')], 'kn01 removed'],
  ];
  for (const [what, records, state] of histories) {
    void test(`\`foldJob\` gives "${state}" when a machine ${what}`, () => {
      assert.equal(states(records).split(', ')[0], state);
    });
  }

  void test('`foldJob` passes over machines that are none of the job', () => {
    assert.deepEqual(fold([{ ...ended(1, 0), vm: `${JOB}.5` }]), fold([]));
  });

  void test('`foldJob` keeps the first end of a machine, and the first result of a job', () => {
    const twice = fold([ended(1, 0), ended(1, 7)]);
    assert.deepEqual(twice.vms.get(vm(1))?.outcome, { kind: 'exit', status: 0 });
    const again = fold([finished('failed', true), finished('cancelled', false)]);
    assert.equal(again.finished?.state, 'failed');
    assert.equal(again.finished.kept, false);
  });
});

void suite('phaseOf and resultOf', () => {
  const cancelled: JobRecord = { type: 'cancelled', at: LATER };
  const deployed: JobRecord = { type: 'deployed', node: 'kn01', wireBytes: 1, seconds: 2 };
  const done = ALL.map((number) => ended(number, 0));
  const cases: readonly (readonly [
    when: string,
    records: readonly JobRecord[],
    phase: string,
    result: string | null,
  ])[] = [
    ['nothing was done', [], 'submitted', null],
    ['a node has the image', [deployed], 'deploying', null],
    ['some machines run', [started(1), started(2)], 'deploying', null],
    ['all machines run', ALL.map(started), 'running', null],
    ['one has ended, the others run', [...ALL.map(started), ended(1, 0)], 'running', null],
    ['one has failed, the others run', [...ALL.map(started), ended(1, 3)], 'running', 'failed'],
    ['all have ended', done, 'ending', 'succeeded'],
    ['all have ended, one of them badly', [...done.slice(1), ended(1, 1)], 'ending', 'failed'],
    ['it is cancelled', [started(1), cancelled], 'ending', 'cancelled'],
    ['it is finished', [...done, finished('succeeded', false)], 'finished', 'succeeded'],
    ['machines are kept', [...done, finished('failed', true)], 'kept', 'failed'],
    ['what was kept is to go', [...done, finished('failed', true), cancelled], 'ending', 'failed'],
    [
      'what was kept is gone',
      [...done, finished('failed', true), cancelled, released('kn01'), released('kn02')],
      'finished',
      'failed',
    ],
  ];
  for (const [when, records, phase, result] of cases) {
    void test(`\`phaseOf\` is ${phase} and \`resultOf\` ${result} when ${when}`, () => {
      const state = fold(records);
      assert.deepEqual([phaseOf(state), resultOf(state)], [phase, result]);
    });
  }
});

void suite('knownJob', () => {
  void test('`knownJob` gathers outputs of those machines only whose outputs are not here', () => {
    const outputs: JobRecord = { type: 'outputs', vm: vm(1), directory: '/out' };
    const { ended: known } = knownJob(fold([ended(1, 0), ended(3, 0), outputs]));
    assert.deepEqual(
      [...known].map(([name, { outputBytes }]) => [name, outputBytes]),
      [
        [vm(1), null],
        [vm(3), 1024],
      ],
    );
  });

  void test('`knownJob` gathers the last cut whose files are on the nodes only', () => {
    const stored: JobRecord = { type: 'snapshot', cut: 'c2', run: 'r', at: AT };
    assert.equal(knownJob(fold([])).cut, null);
    assert.equal(knownJob(fold([cutRecord('c1'), cutRecord('c2')])).cut?.cut, 'c2');
    assert.equal(knownJob(fold([cutRecord('c2'), stored])).cut, null);
  });

  void test('`knownJob` looks for a machine where it was seen last', () => {
    const moved: JobRecord = {
      type: 'moved',
      vm: vm(1),
      from: 'kn01',
      to: 'kn02',
      downtimeMs: null,
      at: AT,
    };
    const { placements, started: running } = knownJob(fold([started(1), moved]));
    assert.deepEqual(placements[0], { vm: vm(1), node: 'kn02' });
    assert.deepEqual([...running], [vm(1)]);
  });

  const record: fc.Arbitrary<JobRecord> = fc.oneof(
    fc.constantFrom(...ALL).map(started),
    fc.constantFrom(...ALL).map((number): JobRecord => ({ type: 'created', vm: vm(number) })),
    fc.tuple(fc.constantFrom(...ALL), fc.nat(2)).map(([number, status]) => ended(number, status)),
    fc.constantFrom('kn01', 'kn02').map(released),
    fc.constantFrom('c1', 'c2').map(cutRecord),
    fc.constant<JobRecord>({ type: 'cancelled', at: LATER }),
    fc.constant(finished('failed', false)),
  );

  void test('`foldJob` gives the same when records are noted again by a command that takes it up', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 20 }), fc.nat(), (records, at) => {
        const again = records.flatMap((it, place) => (place === at % 20 ? [it, it] : [it]));
        assert.deepEqual(fold(again), fold(records));
      }),
    );
  });

  void test('`knownJob` knows which nodes something of a job may be on', () => {
    const created: JobRecord = { type: 'created', vm: vm(3) };
    const never: JobRecord = {
      ...ended(1, 0),
      outcome: { kind: 'failed', reason: 'not-created', detail: 'no route' },
    };
    assert.deepEqual([...knownJob(fold([never])).touched], []);
    assert.deepEqual([...knownJob(fold([never, created])).touched], ['kn02']);
    assert.deepEqual([...knownJob(fold([created, released('kn02')])).touched], []);
  });

  void test('`knownJob` tells which released nodes may not be given back yet', () => {
    const back: JobRecord = { type: 'given-back', node: 'kn01' };
    const { owed } = knownJob(fold([released('kn01'), released('kn02'), back]));
    assert.deepEqual([...owed], ['kn02']);
  });

  void test('`knownJob` forgets no end of a machine, whatever follows', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 20 }), (records) => {
        const known = knownJob(fold(records));
        const names = records.flatMap((it) => (it.type === 'ended' ? [it.vm] : []));
        assert.deepEqual([...known.ended.keys()].toSorted(), [...new Set(names)].toSorted());
        assert.ok([...known.ended.keys()].every((name) => known.started.has(name)));
      }),
    );
  });
});
