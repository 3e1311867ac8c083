import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { SimulationReport, StrategyRecord } from '../../src/report/simulation-record.ts';
import { STRATEGIES } from '../../src/simulator/strategies/strategies.ts';
import { makeSite, type Ended, type Site } from './site.ts';

/** No agent is needed, so the command runs as it is in `src`. */
const SOURCE = join(import.meta.dirname, '../../src/cli/main.ts');

/** A slot is one second. */
const EIGHT = ['--nodes', '8', '--size', '1MB', '--link', '8Mbit'];

const WRONG: readonly (readonly [string, readonly string[], RegExp])[] = [
  ['there are no nodes', ['--nodes', '0'], /--nodes "0": wanted a whole number from 1 to 100000/],
  ['there are too many nodes', ['--nodes', '100001'], /wanted a whole number from 1 to 100000/],
  ['the size has no known unit', ['--size', '8 elephants'], /--size: .*"8 elephants" as a size/],
  ['the image is empty', ['--size', '0'], /--size "0": wanted more than 0 bytes/],
  ['the rate has no known unit', ['--link', 'fast'], /--link: .*"fast" as a rate/],
  ['the law is unknown', ['--sizes', 'normal:1'], /"normal:1": wanted lognormal:SIGMA/],
  ['sizes differ beyond reason', ['--sizes', 'lognormal:5'], /SIGMA from 0 to 4/],
  ['racks are malformed', ['--racks', '4by16'], /--racks "4by16": wanted RxN/],
  [
    'racks have too few places',
    ['--nodes', '9', '--racks', '2x4'],
    /--racks 2x4: found 8 places, wanted one for each of 9 nodes/,
  ],
  [
    'racks have too many nodes',
    ['--racks', '1024x1024'],
    /found 1048576 nodes, wanted at most 100000/,
  ],
  ['there is no rack', ['--oversubscription', '4'], /found no racks, wanted --racks as well/],
  [
    'a rack is undersubscribed',
    ['--racks', '2x4', '--oversubscription', '0.5'],
    /"0.5": wanted a number from 1/,
  ],
  ['all is zero', ['--zero', '1'], /--zero "1": wanted a share such as 0.9/],
  ['a share is a percentage', ['--duplicate', '90%'], /--duplicate "90%": wanted a share/],
  ['the room has no unit', ['--room', '3'], /--room "3": wanted a size such as 4GiB/],
  ['the start is negative', ['--start=-1'], /--start "-1": wanted a number from 0/],
  ['the goal is unknown', ['--objective', 'soon'], /"soon": wanted mean, or target:N%/],
  ['there are no senders', ['--senders', '0'], /--senders "0": wanted a whole number from 1/],
  ['the hops are too many', ['--max-hops', '65'], /wanted a whole number from 0 to 64/],
  ['the strategy is unknown', ['--strategy', 'magic'], /"magic": .* all or one of: kgetplus, /],
  ['there is no frontend', ['--frontends', '0'], /--frontends "0": wanted a whole number from 1/],
  ['the copies are too many', ['--copies', '9'], /wanted a whole number from 1 to 8/],
  ['families share nothing', ['--families', '2'], /found nothing in common, wanted --duplicate/],
  [
    'the strategy would take too long',
    ['--nodes', '1025', '--strategy', 'serial'],
    /"serial": found 1025 nodes, wanted at most 1024 for it/,
  ],
  ['an option is unknown', ['--mirrors', '2'], /unknown option '--mirrors'/],
];

function run(words: readonly string[], site: Site = makeSite()): Promise<Ended> {
  return site.start(['simulate', ...words], SOURCE).ended;
}

async function simulation(...words: string[]): Promise<SimulationReport> {
  const { exitCode, stdout, stderr } = await run([...words, '--json']);
  assert.equal(exitCode, 0, stderr);
  return JSON.parse(stdout) as SimulationReport;
}

function find({ strategies }: SimulationReport, name: string): StrategyRecord {
  const found = strategies.find((strategy) => strategy.name === name);
  assert.ok(found !== undefined, `${name} is there`);
  return found;
}

void suite('simulate', { concurrency: 2 }, () => {
  void test('`simulate` prints what was simulated, times, and times the bound’s', async () => {
    const { exitCode, stdout, stderr } = await run(EIGHT);
    assert.equal(exitCode, 0, stderr);
    const lines = stdout.split('\n').map((line) => line.replaceAll(/ {2,}/g, ' | '));
    for (const line of [
      'Nodes released | 50 % | 80 % | 100 % | mean | all there',
      'bound | 1.0 s | 3.5 s | 8.0 s | 2.3 s | 8.0 s',
      'kgetplus | 1.0 s | 4.0 s | 8.0 s | 2.6 s | 8.0 s',
      'all-at-once | 8.0 s | 8.0 s | 8.0 s | 8.0 s | 8.0 s',
      'serial | 4.0 s | 7.0 s | 8.0 s | 4.5 s | 8.0 s',
      'serial | 4.00 × | 2.00 × | 1.00 × | 1.92 × | 1.00 ×',
    ]) {
      assert.ok(lines.includes(line), `${line}:\n${lines.join('\n')}`);
    }
    assert.match(stdout, /^Simulated, not measured. Cluster: 8 nodes at 8.00 Mbit\/s/);
    assert.match(stdout, /kaget: counted from the arrival of a node's image on/);
    assert.ok(stdout.split('\n').every((line) => Array.from(line).length <= 100));
  });

  void test('`simulate` has a row for each strategy when none is chosen', async () => {
    const { strategies, schema } = await simulation(...EIGHT);
    assert.equal(schema, 'kgetplus.simulation/1');
    assert.deepEqual(
      strategies.map(({ name }) => name),
      STRATEGIES.map(({ name }) => name),
    );
    for (const { name, curve } of strategies) assert.equal(curve.length, 8, name);
  });

  void test('`simulate --json` has the closed form of `serial` and the bound', async () => {
    const report = await simulation(...EIGHT, '--strategy', 'serial');
    assert.equal(report.strategies.length, 1);
    for (const [place, { seconds }] of find(report, 'serial').curve.entries()) {
      assertNear(seconds, place + 1);
    }
    for (const [place, { seconds }] of report.bound.curve.entries()) {
      assertNear(seconds, Math.max(1, (place + 1) / (8 - place)));
    }
    assert.equal(report.command, `kgetplus simulate ${EIGHT.join(' ')} --strategy serial --json`);
  });

  void test('`simulate` gives the same output again, and another one with another seed', async () => {
    const words = [...EIGHT, '--sizes', 'lognormal:0.8', '--seed', '7'];
    const first = await simulation(...words);
    assert.deepEqual(await simulation(...words), first);
    const other = await simulation(...words.slice(0, -1), '8');
    assert.notDeepEqual(other.bound, first.bound);
  });

  void test('`simulate` moves whole images for tools that know no better', async () => {
    const shares = ['--nodes', '10', '--size', '10MB', '--link', '8Mbit', '--zero', '0.5'];
    const words = [...shares, '--duplicate', '0.8'];
    const report = await simulation(...words);
    // 1 MB of its own each, 4 MB once.
    for (const name of ['kgetplus', 'kgetplus target:80%', 'keepers:sqrt', 'keepers:fifth']) {
      assertNear(find(report, name).times.makespanSeconds, 14);
    }
    for (const name of ['all-at-once', 'serial', 'kaget']) {
      assert.equal(find(report, name).moved, 'whole');
      assertNear(find(report, name).times.makespanSeconds, 100);
    }
    assertNear(report.bound.times.t100Seconds, 14);
    const { stdout } = await run(words);
    assert.match(stdout, /all-at-once, serial, kaget: whole images/);
    assert.match(stdout, /50 % zero, 80 % of the rest the same/);
  });

  void test('`simulate` reads frontends, families and copies', async () => {
    const direct = ['--strategy', 'all-at-once'];
    const frontends = await simulation(...EIGHT, ...direct, '--frontends', '4');
    assert.equal(frontends.inputs.frontends, 4);
    assert.equal(frontends.inputs.senders, 4);
    assertNear(find(frontends, 'all-at-once').times.makespanSeconds, 2);
    assertNear(frontends.bound.times.t100Seconds, 2);
    const alike = [...EIGHT, '--duplicate', '0.5', '--families', '2'];
    const families = await simulation(...alike, '--strategy', 'keepers:sqrt');
    assert.equal(families.inputs.families, 2);
    assertNear(find(families, 'keepers:sqrt').times.makespanSeconds, 5);
    assertNear(families.bound.times.t100Seconds, 5);
    const copies = await simulation(...EIGHT, ...direct, '--copies', '2');
    assert.equal(copies.inputs.copies, 2);
  });

  void test('`simulate` leaves out what would take too long with many nodes, and says so', async () => {
    const words = ['--nodes', '1025', '--size', '1MB', '--objective', 'mean'];
    const { strategies, leftOut } = await simulation(...words);
    assert.deepEqual(
      strategies.map(({ name }) => name),
      ['kgetplus'],
    );
    assert.deepEqual(
      leftOut,
      STRATEGIES.map(({ name }) => name).filter((name) => !name.startsWith('kgetplus')),
    );
  });

  void test('`simulate` reads limits of disks, racks, room, senders, hops and starting', async () => {
    const ours = ['--strategy', 'kgetplus'];
    const disks = await simulation(...EIGHT, ...ours, '--disk-write', '500kB');
    assertNear(find(disks, 'kgetplus').times.t50Seconds, 2);
    const reads = await simulation(...EIGHT, ...ours, '--disk-read', '250kB');
    assertNear(find(reads, 'kgetplus').times.t50Seconds, 4);
    const frontend = await simulation(
      ...EIGHT,
      ...ours,
      '--frontend-link',
      '16Mbit',
      '--senders=2',
    );
    assertNear(find(frontend, 'kgetplus').times.makespanSeconds, 4);
    const direct = await simulation(...EIGHT, ...ours, '--max-hops', '0');
    assertNear(find(direct, 'kgetplus').times.meanReleaseSeconds, 4.5);
    const full = await simulation(...EIGHT, ...ours, '--room', '0images');
    assertNear(find(full, 'kgetplus').times.meanReleaseSeconds, 4.5);
    const slow = await simulation(...EIGHT, ...ours, '--start', '16');
    assertNear(find(slow, 'kgetplus').times.makespanSeconds, 17);
    // An uplink carries half a link.
    const uplinks = ['--racks', '2x4', '--oversubscription', '8', '--strategy', 'serial'];
    const racks = await simulation(...EIGHT.slice(2), ...uplinks);
    assert.equal(racks.inputs.nodes, 8);
    assertNear(find(racks, 'serial').times.makespanSeconds, 16);
  });

  void test("`simulate` has the figures of docs/benchmarks.md in the paper's case", async () => {
    const words = ['--nodes', '64', '--size', '512MB', '--link', '1Gbit'];
    const disks = ['--disk-read', '36.5MB', '--disk-write', '36.5MB'];
    const report = await simulation(...words, ...disks);
    const slotSeconds = 512 / 36.5;
    const { times } = find(report, 'kgetplus');
    assertNear(times.t50Seconds, slotSeconds);
    assertNear(times.t80Seconds, 7 * slotSeconds);
    assertNear(times.makespanSeconds, 64 * slotSeconds);
    assertNear(find(report, 'all-at-once').times.t50Seconds, 64 * slotSeconds);
    assertNear(find(report, 'kaget').times.t50Seconds, 60 * slotSeconds);
    assertNear(report.bound.times.t80Seconds, 4 * slotSeconds);
  });

  void test('`simulate --objective` replaces what Kget+ aims at', async () => {
    const words = ['--size', '1MB', '--link', '8Mbit', '--objective', 'target:90%'];
    const { strategies } = await simulation(...words);
    assert.deepEqual(
      strategies.filter(({ isOurs }) => isOurs).map(({ name }) => name),
      ['kgetplus target:90%'],
    );
    const [chosen, ...others] = (await simulation(...words, '--strategy', 'kgetplus')).strategies;
    assert.equal(chosen?.name, 'kgetplus target:90%');
    assert.deepEqual(others, []);
    const mean = await simulation(...words.slice(0, -1), 'mean');
    assertNear(find(mean, 'kgetplus').times.meanReleaseSeconds, 5.125);
  });

  void test('`simulate --report` writes a page with every curve', async () => {
    const site = makeSite();
    const { exitCode, stderr } = await run([...EIGHT, '--report', '<b>out</b>.html'], site);
    assert.equal(exitCode, 0, stderr);
    const page = readFileSync(join(site.root, '<b>out</b>.html'), 'utf8');
    for (const { name } of [...STRATEGIES, { name: 'bound' }]) {
      assert.ok(page.includes(`${name} <output`), name);
    }
    assert.match(page, /--report &#39;&lt;b&gt;out&lt;\/b&gt;.html&#39;/);
  });

  void test('`simulate --report` says so when it cannot write', async () => {
    const { exitCode, stderr } = await run([...EIGHT, '--report', '/proc/x.html']);
    assert.equal(exitCode, 4);
    assert.match(stderr, /^kgetplus: Cannot write the report \/proc\/x.html/);
  });

  void test('`simulate --help` shows strategies, what is modelled, and examples', async () => {
    const { exitCode, stdout } = await run(['--help']);
    assert.equal(exitCode, 0);
    for (const { name } of STRATEGIES) assert.ok(stdout.includes(`\n  ${name} `), name);
    assert.match(stdout, /What is modelled: [^]*Examples:\n {2}kgetplus simulate/);
    assert.doesNotMatch(stdout, /default: (\{|\d{6})/);
  });

  for (const [what, words, message] of WRONG) {
    void test(`\`simulate\` exits with 2 when ${what}`, async () => {
      const { exitCode, stdout, stderr } = await run(words);
      assert.equal(exitCode, 2, stderr);
      assert.match(stderr, message);
      assert.ok(stderr.split('\n').length < 5, stderr);
      assert.equal(stdout, '');
    });
  }
});

function assertNear(actual: number | null, expected: number): void {
  assert.ok(actual !== null && Math.abs(actual - expected) < 1e-6, `${actual} is not ${expected}`);
}
