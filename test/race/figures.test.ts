import assert from 'node:assert/strict';
import { it } from 'node:test';
import { raceFigures } from '../../race/figures.ts';
import { heatRecord, nodeRecord, raceRecord } from './sample.ts';
import type { ContenderFigures } from '../../race/contender-figures.ts';
import type { HeatRecord } from '../../race/record.ts';

/** The figures of the only contender. */
function figuresOf(...heats: HeatRecord[]): ContenderFigures {
  const { contenders } = raceFigures(raceRecord(heats));
  assert.equal(contenders.length, 1);
  const [only] = contenders;
  assert.ok(only !== undefined);
  return only;
}

function pick<T extends object, K extends keyof T>(value: T, keys: readonly K[]): Pick<T, K> {
  return Object.fromEntries(keys.map((key) => [key, value[key]])) as Pick<T, K>;
}

const TIMES = ['allDoneSeconds', 'meanReleaseSeconds', 't50Seconds', 't80Seconds'] as const;

void it('`raceFigures` has times in seconds, slots and of the limit when all nodes are done', () => {
  const figures = figuresOf(heatRecord('kaget', [10, 50, 20, 40, 30]));
  assert.deepEqual(pick(figures, TIMES), {
    allDoneSeconds: 50,
    meanReleaseSeconds: 30,
    t50Seconds: 30,
    t80Seconds: 40,
  });
  assert.equal(figures.allDoneToLimit, 50 / 40);
  assert.equal(figures.meanReleaseSlots, 30 / 8);
  assert.equal(figures.t50Slots, 30 / 8);
  assert.equal(figures.t80Slots, 5);
  assert.equal(figures.identical, 5);
});

void it('`raceFigures` takes releases from nodes, not from files, when the two differ', () => {
  const nodes = [nodeRecord(30, { releasedSeconds: 2 }), nodeRecord(40, { releasedSeconds: 4 })];
  const figures = figuresOf(heatRecord('kgetplus', [], { nodes }));
  assert.equal(figures.allDoneSeconds, 40);
  assert.equal(figures.meanReleaseSeconds, 3);
});

void it('`raceFigures` has no total and no mean when an image never came', () => {
  const figures = figuresOf(heatRecord('kaget', [10, 20, 30, 40, null]));
  assert.deepEqual(pick(figures, TIMES), {
    allDoneSeconds: null,
    meanReleaseSeconds: null,
    t50Seconds: 30,
    t80Seconds: 40,
  });
  assert.equal(figures.allDoneToLimit, null);
});

void it('`raceFigures` takes a node as never done when its image is not identical', () => {
  const nodes = [nodeRecord(10), nodeRecord(20, { isIdentical: false })];
  const figures = figuresOf(heatRecord('kaget', [], { nodes }));
  assert.deepEqual(pick(figures, TIMES), {
    allDoneSeconds: null,
    meanReleaseSeconds: null,
    t50Seconds: 10,
    t80Seconds: null,
  });
  assert.equal(figures.identical, 1);
});

void it('`raceFigures` counts from agents up as well when that is known', () => {
  const figures = figuresOf(heatRecord('kgetplus', [12, 20, 44], { agentsUpSeconds: 4 }));
  assert.equal(figures.allDoneSinceUpSeconds, 40);
  assert.equal(figures.allDoneSinceUpToLimit, 1);
  assert.equal(figures.t50SinceUpSeconds, 16);
  assert.equal(figures.t50SinceUpSlots, 2);
  assert.equal(figures.t80SinceUpSeconds, 40);
  assert.equal(figuresOf(heatRecord('kaget', [1])).allDoneSinceUpSeconds, null);
});

void it('`raceFigures` has what a heat cost when it is given', () => {
  const figures = figuresOf(
    heatRecord('kaget', [1], {
      frontendBytes: 5e8,
      frontendUse: { cpuSeconds: 10, peakBytes: 77 },
      nodesUse: { cpuSeconds: null, peakBytes: 88 },
    }),
  );
  assert.equal(figures.frontendBytesToLogical, 1e5);
  assert.equal(figures.frontendBytesToUnique, 2.5e5);
  assert.equal(figures.frontendCpuSecondsPer100Mb, 2);
  assert.equal(figures.nodesCpuSeconds, null);
  assert.equal(figures.frontendPeakBytes, 77);
  assert.equal(figures.nodesPeakBytes, 88);
});

void it('`raceFigures` has medians and the range of the total when there are several rounds', () => {
  const figures = figuresOf(
    heatRecord('kaget', [1, 90], { round: 1, peakSenders: 1 }),
    heatRecord('kaget', [3, 70], { round: 2, peakSenders: 5 }),
    heatRecord('kaget', [8, 80], { round: 3, peakSenders: 2 }),
  );
  assert.equal(figures.rounds, 3);
  assert.equal(figures.allDoneSeconds, 80);
  assert.deepEqual(figures.allDoneRange, { least: 70, most: 90 });
  assert.equal(figures.t50Seconds, 3);
  assert.equal(figures.meanReleaseSeconds, 44);
  assert.equal(figures.peakSenders, 2);
});

void it('`raceFigures` takes never as the longest time when a round was not done', () => {
  const [done, later, never] = [[10], [20], [null]].map((moments) => heatRecord('kaget', moments));
  assert.ok(done !== undefined && later !== undefined && never !== undefined);
  assert.equal(figuresOf(done, later).allDoneSeconds, 15);
  assert.equal(figuresOf(never, done, later).allDoneSeconds, 20);
  assert.equal(figuresOf(done, never).allDoneSeconds, null);
  const { identical, allDoneRange } = figuresOf(never, done, later);
  assert.deepEqual(
    { identical, allDoneRange },
    { identical: 0, allDoneRange: { least: 10, most: null } },
  );
});

void it('`raceFigures` has one curve a contender, of the round with the median mean', () => {
  const { releaseCurves } = raceFigures(
    raceRecord([
      heatRecord('kaget', [null, 1]),
      heatRecord('kgetplus', [1, 3]),
      heatRecord('kaget', [10, 20]),
      heatRecord('kaget', [5, 6]),
    ]),
  );
  assert.deepEqual(releaseCurves, [
    {
      name: 'kaget',
      points: [
        { seconds: 0, share: 0 },
        { seconds: 10, share: 0.5 },
        { seconds: 20, share: 1 },
      ],
    },
    {
      name: 'kgetplus',
      points: [
        { seconds: 0, share: 0 },
        { seconds: 1, share: 0.5 },
        { seconds: 3, share: 1 },
      ],
    },
  ]);
});

void it('`raceFigures` compares with the best rival by each figure, of those that brought all', () => {
  const { comparisons } = raceFigures(
    raceRecord([
      heatRecord('kgetplus', [2, 4, 30], { frontendBytes: 1000 }),
      heatRecord('kgetplus target:80%', [1, 2, 60]),
      heatRecord('scp', [20, 21, 22]),
      heatRecord('kaget', [1, 20, 30], { frontendBytes: 3000 }),
      heatRecord('broken', [1, 1, null], { frontendBytes: 10 }),
    ]),
  );
  const of = (contender: string, figure: string) => {
    const found = comparisons.find(
      (candidate) => candidate.contender === contender && candidate.figure === figure,
    );
    return found === undefined ? undefined : pick(found, ['rival', 'timesBetter']);
  };
  assert.equal(comparisons.length, 10);
  assert.deepEqual(of('kgetplus', 'meanReleaseSeconds'), {
    rival: { contender: 'kaget', value: 17 },
    timesBetter: 17 / 12,
  });
  assert.deepEqual(of('kgetplus', 'allDoneSeconds'), {
    rival: { contender: 'scp', value: 22 },
    timesBetter: 22 / 30,
  });
  assert.deepEqual(of('kgetplus', 'frontendBytes'), {
    rival: { contender: 'kaget', value: 3000 },
    timesBetter: 3,
  });
  assert.deepEqual(of('kgetplus target:80%', 't50Seconds'), {
    rival: { contender: 'kaget', value: 20 },
    timesBetter: 10,
  });
});

void it('`raceFigures` compares with nobody when no rival brought all', () => {
  const { comparisons } = raceFigures(
    raceRecord([heatRecord('kgetplus', [2]), heatRecord('kaget', [null])]),
  );
  assert.ok(comparisons.every(({ rival, timesBetter }) => rival === null && timesBetter === null));
});

void it('`raceFigures` names heats that failed when the command or its result says so', () => {
  const nodes = [nodeRecord(1), nodeRecord(null), nodeRecord(2, { isIdentical: false })];
  const { failures } = raceFigures(
    raceRecord([
      heatRecord('scp', [1, 2]),
      heatRecord('kaget', [1, 2], { exitCode: 3, complaint: 'no route' }),
      heatRecord('kaget', [], { round: 2, nodes }),
    ]),
  );
  assert.deepEqual(
    failures.map(({ round, exitCode, missing, different }) => [
      round,
      exitCode,
      missing,
      different,
    ]),
    [
      [1, 3, 0, 0],
      [2, 0, 1, 1],
    ],
  );
});

void it('`raceFigures` has no ratios when there is nothing to divide by', () => {
  const record = raceRecord([heatRecord('kaget', [1], { frontendBytes: 0 })]);
  const link = { ...record.link, limitSeconds: 0, slotSeconds: 0 };
  const [figures] = raceFigures({ ...record, link }).contenders;
  assert.equal(figures?.allDoneToLimit, null);
  assert.equal(figures?.t50Slots, null);
  assert.equal(figures?.frontendCpuSecondsPer100Mb, null);
});
