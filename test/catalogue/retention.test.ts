import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { parseDuration } from '../../src/base/duration.ts';
import { KgetError } from '../../src/base/error.ts';
import { type Period, PERIODS } from '../../src/catalogue/retention-periods.ts';
import {
  applyRetention,
  isEmpty,
  type KeepCount,
  parseKeepCount,
  type RetentionPolicy,
} from '../../src/catalogue/retention.ts';

interface Sample {
  readonly id: number;
  readonly takenAt: string;
  readonly group: string;
  readonly tags: readonly string[];
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A Monday, shortly before a turn of the year whose week belongs to both years. */
const START_MS = Date.parse('2024-12-23T00:00:00Z');

const counts: fc.Arbitrary<KeepCount> = fc.oneof(
  { weight: 5, arbitrary: fc.nat({ max: 6 }) },
  fc.constant('all'),
);
const within = fc.constantFrom('1h', '36h', '1w', '10d', '1m', '1m1d', '1y2m').map(parseDuration);
const policies: fc.Arbitrary<RetentionPolicy> = fc.record(
  {
    last: counts,
    hourly: counts,
    daily: counts,
    weekly: counts,
    monthly: counts,
    yearly: counts,
    within,
  },
  { requiredKeys: [] },
);
const rules = policies.filter((policy) => !isEmpty(policy));

/** Times of some density, from several in an hour to some in a year; about all kinds of bounds. */
const times = fc
  .tuple(fc.constantFrom(HOUR_MS / 4, HOUR_MS, DAY_MS / 2, DAY_MS, 7 * DAY_MS), fc.nat({ max: 60 }))
  .map(([stepMs, steps]) => START_MS + stepMs * steps + ((steps * steps) % 2));

function samplesOf(groups: fc.Arbitrary<string>, tagged: fc.Arbitrary<boolean>) {
  return fc
    .array(fc.record({ timeMs: times, group: groups, tagged }), { maxLength: 40 })
    .map((list) =>
      list.map(({ timeMs, group, tagged: has }, id): Sample => ({
        id,
        group,
        takenAt: new Date(timeMs).toISOString(),
        tags: has ? ['gold'] : [],
      })),
    );
}

const samples = samplesOf(
  fc.constantFrom('node1/a.qcow2', 'node1/b.qcow2', 'node2/a.qcow2'),
  fc.nat({ max: 7 }).map((dice) => dice === 0),
);
const oneGroup = samplesOf(fc.constant('node1/a.qcow2'), fc.constant(false));

void describe('the examples of restic’s manual', () => {
  const sundays = Array.from({ length: 12 }, (_, week) =>
    new Date(Date.parse('2019-09-01T11:00:00Z') + week * 7 * DAY_MS).toISOString(),
  );

  void it('`applyRetention` keeps the last four Sundays when daily is 4', () => {
    assert.deepEqual(keptTimes(sundays, { daily: 4 }), [
      '2019-11-17T11:00:00.000Z',
      '2019-11-10T11:00:00.000Z',
      '2019-11-03T11:00:00.000Z',
      '2019-10-27T11:00:00.000Z',
    ]);
  });

  void it('`applyRetention` keeps what several rules share once when days are many', () => {
    // One every day for 100 years, to a Sunday that ends neither month nor year.
    const endMs = Date.parse('2026-08-16T11:00:00Z');
    const days = Array.from({ length: 36_525 }, (_, day) =>
      new Date(endMs - day * DAY_MS).toISOString(),
    );
    const policy = { daily: 7, weekly: 5, monthly: 12, yearly: 75 };
    const verdicts = applyRetention(days.map(sampleAt), policy);
    const kept = verdicts.filter(({ reasons }) => reasons.length > 0);
    // The newest is of all four; the 7 days have one end of a week, the 12 months one of a year.
    assert.equal(kept.length, 7 + 4 + 11 + 73);
    assert.deepEqual(kept[0]?.reasons, ['daily', 'weekly', 'monthly', 'yearly']);
    assert.equal(kept.at(-1)?.snapshot.takenAt, '1952-12-31T11:00:00.000Z');
  });

  void it('`applyRetention` counts only days that have snapshots when some have none', () => {
    const list = ['2026-01-01T08:00:00Z', '2026-01-01T09:00:00Z', '2026-02-01T09:00:00Z'];
    assert.deepEqual(keptTimes(list, { daily: 2 }), [
      '2026-02-01T09:00:00Z',
      '2026-01-01T09:00:00Z',
    ]);
  });

  void it('`applyRetention` does not keep the oldest when a rule could count further', () => {
    const list = ['2026-01-01T08:00:00Z', '2026-01-01T09:00:00Z'];
    assert.deepEqual(keptTimes(list, { yearly: 9 }), ['2026-01-01T09:00:00Z']);
  });

  void it('`applyRetention` counts `within` from the newest of the group, exclusively', () => {
    const list = ['2026-03-08T11:00:00Z', '2026-03-01T11:00:01Z', '2026-03-01T11:00:00Z'];
    const verdicts = applyRetention(list.map(sampleAt), { within: parseDuration('7d') });
    assert.deepEqual(
      verdicts.map(({ reasons }) => reasons),
      [['within 7d'], ['within 7d'], []],
    );
  });
});

/** About the bounds of hours, days, ISO weeks, months and years; the fourth has a tag. */
const RESTIC_TIMES = [
  '2023-11-30T08:00:00Z',
  '2024-12-01T00:00:00Z',
  '2024-12-29T23:59:59Z',
  '2024-12-30T00:00:00Z',
  '2024-12-31T23:59:59Z',
  '2025-01-01T00:00:00Z',
  '2025-01-05T23:10:00Z',
  '2025-01-05T23:50:00Z',
  '2025-01-30T23:50:00Z',
  '2025-01-31T00:00:00Z',
  '2025-03-03T00:00:00Z',
  '2025-03-31T00:00:00Z',
];

/**
 * Which of them restic 0.14.0 keeps (x) of `backup --time`, the fourth with `--tag gold`, by
 * `forget --dry-run --keep-tag gold` and these `--keep-` options, with TZ=UTC.
 */
const RESTIC_KEEPS: [kept: string, options: string, policy: RetentionPolicy][] = [
  ['...x......xx', 'last=2', { last: 2 }],
  ['...x....xxxx', 'hourly=4', { hourly: 4 }],
  ['...x.....xxx', 'daily=3 last=1', { daily: 3, last: 1 }],
  ['...xxx.xxxxx', 'daily=7', { daily: 7 }],
  ['...x...x.xxx', 'weekly=4', { weekly: 4 }],
  ['..xx...x.xxx', 'weekly=5', { weekly: 5 }],
  ['...x.....xxx', 'monthly=2 weekly=3', { monthly: 2, weekly: 3 }],
  ['x..xx....x.x', 'monthly=4', { monthly: 4 }],
  ['...xx......x', 'yearly=2 hourly=1', { yearly: 2, hourly: 1 }],
  ['x..xx......x', 'yearly=9', { yearly: 9 }],
  ['...x.......x', 'within=1m', { within: parseDuration('1m') }],
  ['...xx...xxxx', 'within=2m1d1h yearly=2', { within: parseDuration('2m1d1h'), yearly: 2 }],
  ['...x..xxxxxx', 'within=89d', { within: parseDuration('89d') }],
  ['...xxxxxxxxx', 'within=90d', { within: parseDuration('90d') }],
  ['.xxxxxxxxxxx', 'within=1y', { within: parseDuration('1y') }],
];

void describe('restic', () => {
  for (const [kept, options, policy] of RESTIC_KEEPS) {
    void it(`\`applyRetention\` keeps what restic keeps when it is told ${options}`, () => {
      const list = RESTIC_TIMES.map((takenAt, id): Sample => {
        return { id, takenAt, group: 'node1/a.qcow2', tags: id === 3 ? ['gold'] : [] };
      });
      const ids = new Set(keptIds(list, policy));
      assert.equal(list.map(({ id }) => (ids.has(id) ? 'x' : '.')).join(''), kept);
    });
  }
});

void describe('bounds of periods', () => {
  const bounds: [period: Period, one: string, other: string, together: boolean][] = [
    ['hourly', '2026-01-01T10:00:00Z', '2026-01-01T10:59:59.999Z', true],
    ['hourly', '2026-01-01T10:59:59.999Z', '2026-01-01T11:00:00Z', false],
    // One local hour, twice: clocks went back in between.
    ['hourly', '2026-10-25T02:30:00+02:00', '2026-10-25T02:30:00+01:00', false],
    ['daily', '2026-01-01T00:00:00Z', '2026-01-01T23:59:59.999Z', true],
    ['daily', '2026-01-01T23:30:00Z', '2026-01-02T00:30:00+01:00', true],
    ['daily', '2026-01-01T23:59:59.999Z', '2026-01-02T00:00:00Z', false],
    ['daily', '2026-01-01T12:00:00Z', '2026-02-01T12:00:00Z', false],
    // Monday to Sunday: week 1 of 2025, of which two days lie in 2024; week 53 of 2020.
    ['weekly', '2024-12-30T00:00:00Z', '2025-01-05T23:59:59Z', true],
    ['weekly', '2024-12-29T23:59:59Z', '2024-12-30T00:00:00Z', false],
    ['weekly', '2020-12-28T00:00:00Z', '2021-01-03T12:00:00Z', true],
    ['weekly', '2021-01-03T12:00:00Z', '2021-01-04T00:00:00Z', false],
    ['weekly', '1969-12-29T00:00:00Z', '1970-01-04T23:00:00Z', true],
    ['weekly', '1969-12-28T23:00:00Z', '1969-12-29T00:00:00Z', false],
    ['monthly', '2024-02-01T00:00:00Z', '2024-02-29T23:59:59Z', true],
    ['monthly', '2024-02-29T23:59:59Z', '2024-03-01T00:00:00Z', false],
    ['monthly', '2024-02-01T00:00:00Z', '2025-02-01T00:00:00Z', false],
    ['yearly', '2024-01-01T00:00:00Z', '2024-12-31T23:59:59Z', true],
    ['yearly', '2024-12-31T23:59:59Z', '2025-01-01T00:00:00Z', false],
  ];
  for (const [period, one, other, together] of bounds) {
    const does = together ? 'keeps one' : 'keeps both';
    void it(`\`applyRetention\` ${does} when ${period} sees ${one} and ${other}`, () => {
      assert.equal(keptTimes([one, other], { [period]: 'all' }).length, together ? 1 : 2);
    });
  }

  void it('`applyRetention` keeps what the definition of counting says when groups are random', () => {
    fc.assert(
      fc.property(oneGroup, fc.constantFrom(...PERIODS), fc.nat({ max: 9 }), (list, period, n) => {
        fc.pre(n > 0);
        const kept = keptTimes(
          list.map(({ takenAt }) => takenAt),
          { [period]: n },
        );
        const newestOf = new Map<string, string>();
        for (const { takenAt } of list) {
          const name = nameOf(period, takenAt);
          if (takenAt > (newestOf.get(name) ?? '')) newestOf.set(name, takenAt);
        }
        assert.deepEqual(kept, [...newestOf.values()].toSorted().toReversed().slice(0, n));
      }),
    );
  });
});

void describe('applyRetention', () => {
  void it('`applyRetention` returns all, groups by name and the newest first', () => {
    fc.assert(
      fc.property(samples, policies, (list, policy) => {
        const found = applyRetention(list, policy).map(({ snapshot }) => snapshot);
        assert.deepEqual(found, list.toReversed().toSorted(byGroupThenNewest));
      }),
    );
  });

  void it('`applyRetention` keeps at least as much when a rule is added', () => {
    fc.assert(
      fc.property(samples, rules, policies, (list, policy, more) => {
        const kept = keptIds(list, policy);
        const keptByBoth = new Set(keptIds(list, { ...more, ...policy }));
        assert.deepEqual(
          kept.filter((id) => !keptByBoth.has(id)),
          [],
        );
      }),
    );
  });

  void it('`applyRetention` keeps at least as much when a rule counts further', () => {
    fc.assert(
      fc.property(samples, rules, (list, policy) => {
        const further = new Set(
          keptIds(list, {
            ...policy,
            ...Object.fromEntries(
              (['last', ...PERIODS] as const).map((name) => [name, oneMore(policy[name] ?? 0)]),
            ),
          }),
        );
        assert.ok(keptIds(list, policy).every((id) => further.has(id)));
      }),
    );
  });

  void it('`applyRetention` keeps the newest of each group when there is any rule', () => {
    fc.assert(
      fc.property(samples, rules, (list, policy) => {
        const groups = Map.groupBy(applyRetention(list, policy), ({ snapshot }) => snapshot.group);
        for (const [newest] of groups.values()) assert.notDeepEqual(newest?.reasons, []);
      }),
    );
  });

  void it('`applyRetention` judges a group as if it were alone', () => {
    fc.assert(
      fc.property(samples, policies, (list, policy) => {
        const groups = [...new Set(list.map(({ group }) => group))].toSorted();
        const alone = groups.flatMap((name) =>
          applyRetention(
            list.filter(({ group }) => group === name),
            policy,
          ),
        );
        assert.deepEqual(applyRetention(list, policy), alone);
      }),
    );
  });

  void it('`applyRetention` keeps the rest for the same reasons when the others are gone', () => {
    fc.assert(
      fc.property(samples, policies, (list, policy) => {
        const kept = applyRetention(list, policy).filter(({ reasons }) => reasons.length > 0);
        const ids = new Set(kept.map(({ snapshot }) => snapshot.id));
        const again = applyRetention(
          list.filter(({ id }) => ids.has(id)),
          policy,
        );
        // One that stayed for one rule may now be the newest of a period for another rule too.
        for (const [place, { snapshot, reasons }] of again.entries()) {
          assert.equal(snapshot, kept[place]?.snapshot);
          assert.ok(kept[place]?.reasons.every((reason) => reasons.includes(reason)));
        }
        assert.equal(again.length, kept.length);
      }),
    );
  });

  void it('`applyRetention` does not heed the order in which snapshots are passed', () => {
    const shuffled = samples
      .map((list) =>
        Array.from(new Map(list.map((one) => [one.group + one.takenAt, one])).values()),
      )
      .chain((list) =>
        fc.tuple(
          fc.constant(list),
          fc.shuffledSubarray(list, { minLength: list.length, maxLength: list.length }),
        ),
      );
    fc.assert(
      fc.property(shuffled, policies, ([list, other], policy) => {
        assert.deepEqual(applyRetention(other, policy), applyRetention(list, policy));
      }),
    );
  });

  void it('`applyRetention` judges alike when the time zone is another one', (t) => {
    const zone = process.env['TZ'];
    t.after(() => {
      if (zone === undefined) delete process.env['TZ'];
      else process.env['TZ'] = zone;
    });
    fc.assert(
      fc.property(samples, policies, (list, policy) => {
        const [one, other] = ['Pacific/Kiritimati', 'America/New_York'].map((name) => {
          process.env['TZ'] = name;
          return applyRetention(list, policy);
        });
        assert.deepEqual(one, other);
      }),
    );
  });

  void it('`applyRetention` takes the one passed last for the newest when times are equal', () => {
    const list = [0, 1, 2].map((id) => sampleAt('2026-01-01T00:00:00Z', id));
    assert.deepEqual(keptIds(list, { last: 2, daily: 1 }), [2, 1]);
  });

  void it('`applyRetention` keeps all that has tags, and counts it', () => {
    const list = ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z', '2026-01-03T00:00:00Z'].map(
      (takenAt, id): Sample => ({
        id,
        takenAt,
        group: '',
        tags: id === 1 ? [] : ['gold', 'audit'],
      }),
    );
    assert.deepEqual(
      applyRetention(list, { last: 1 }).map(({ reasons }) => reasons),
      [['last', 'tagged gold', 'tagged audit'], [], ['tagged gold', 'tagged audit']],
    );
  });

  void it('`applyRetention` neither drops nor counts what was taken after now', () => {
    const list = ['2026-01-01T00:00:00Z', '2026-01-09T00:00:00Z', '2099-01-01T00:00:00Z'];
    const policy = { last: 1, within: parseDuration('2d') };
    const now = new Date('2026-01-09T00:00:00Z');
    assert.deepEqual(
      applyRetention(list.map(sampleAt), policy, { now }).map(({ reasons }) => reasons),
      [['in the future'], ['last', 'within 2d'], []],
    );
  });

  for (const policy of [{}, { last: 0, yearly: 0 }, { within: nothing() }]) {
    void it(`\`applyRetention\` keeps all when the policy is ${JSON.stringify(policy)}`, () => {
      assert.equal(isEmpty(policy), true);
      const [verdict] = applyRetention([sampleAt('2026-01-01T00:00:00Z', 0)], policy);
      assert.deepEqual(verdict?.reasons, ['the policy is empty']);
    });
  }

  for (const takenAt of [
    '',
    'yesterday',
    '2026-01-01T00:00:00',
    '2026-01-01',
    '2026-13-01T00Z',
    '-271821-04-20T00:00:00Z',
    '+010000-01-01T00:00:00Z',
  ]) {
    void it(`\`applyRetention\` refuses "${takenAt}" as the time of a snapshot`, () => {
      assert.throws(
        () => applyRetention([sampleAt(takenAt, 0)], { last: 1 }),
        (error) => error instanceof KgetError && error.code === 'corrupt',
      );
    });
  }

  for (const last of [-1, 1.5, NaN, Infinity]) {
    void it(`\`applyRetention\` refuses to keep the last ${last}`, () => {
      assert.throws(() => applyRetention([sampleAt('2026-01-01T00:00:00Z', 0)], { last }), /whole/);
    });
  }
});

void describe('parseKeepCount', () => {
  for (const [text, count] of [
    ['7', 7],
    ['0', 0],
    [' 12 ', 12],
    ['all', 'all'],
    ['unlimited', 'all'],
  ] as const) {
    void it(`\`parseKeepCount\` reads "${text}" as ${count}`, () => {
      assert.equal(parseKeepCount(text), count);
    });
  }
  for (const text of ['', '-1', '1.5', '1e3', 'none', '9'.repeat(20)]) {
    void it(`\`parseKeepCount\` refuses "${text}"`, () => {
      assert.throws(
        () => parseKeepCount(text),
        (error) => error instanceof KgetError && error.code === 'usage',
      );
    });
  }
});

function sampleAt(takenAt: string, id: number): Sample {
  return { id, takenAt, group: 'node1/a.qcow2', tags: [] };
}

function nothing() {
  return { years: 0, months: 0, weeks: 0, days: 0, hours: 0 };
}

function keptIds(list: readonly Sample[], policy: RetentionPolicy): number[] {
  return applyRetention(list, policy)
    .filter(({ reasons }) => reasons.length > 0)
    .map(({ snapshot }) => snapshot.id);
}

function keptTimes(list: readonly string[], policy: RetentionPolicy): string[] {
  return applyRetention(list.map(sampleAt), policy)
    .filter(({ reasons }) => reasons.length > 0)
    .map(({ snapshot }) => snapshot.takenAt);
}

function oneMore(count: KeepCount): KeepCount {
  return count === 'all' ? count : count + 1;
}

function byGroupThenNewest(one: Sample, other: Sample): number {
  if (one.group !== other.group) return one.group < other.group ? -1 : 1;
  return Date.parse(other.takenAt) - Date.parse(one.takenAt);
}

/** What a period is called, by another way than counting: `2025-W01` by the Thursday of the week. */
function nameOf(period: Period, takenAt: string): string {
  switch (period) {
    case 'hourly':
      return takenAt.slice(0, 13);
    case 'daily':
      return takenAt.slice(0, 10);
    case 'weekly': {
      const date = new Date(takenAt);
      date.setUTCDate(date.getUTCDate() + 4 - (date.getUTCDay() || 7));
      const yearMs = Date.UTC(date.getUTCFullYear(), 0, 1);
      return `${date.getUTCFullYear()}-W${Math.ceil(((date.getTime() - yearMs) / DAY_MS + 1) / 7)}`;
    }
    case 'monthly':
      return takenAt.slice(0, 7);
    case 'yearly':
      return takenAt.slice(0, 4);
    default:
      return period satisfies never;
  }
}
