import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, globSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { PlanReport } from '../../src/report/plan-record.ts';
import { fakeSsh, installNode } from './fake-ssh.ts';
import { KiB, makeSite, MiB, script, SLOW, until, type Ended, type Site } from './site.ts';

const LINK = ['--link', '80Mbit'];
/** Bytes per second of `LINK`. */
const RATE = 10e6;

void suite('plan', { concurrency: 2 }, () => {
  void test('`plan` foresees when each node is released, and changes nothing', async () => {
    const site = makeSite();
    for (const node of ['a1', 'a2', 'a10']) site.image(node, 2 * MiB);
    const before = snapshot(site);
    const { exitCode, stdout, stderr } = await plan(site, 'a[1-2,10]', ...LINK);
    assert.equal(exitCode, 0, stderr);
    assert.match(stdout, /^Foreseen, nothing was moved\. Nodes: 3 of 3 with images, 80\.0 Mbit/);
    for (const name of ['kgetplus', 'serial', 'all-at-once', 'bound']) {
      assert.match(stdout, new RegExp(`^${name}  .* 6\\.00 MiB$`, 'm'));
    }
    assert.doesNotMatch(stdout, /unknown/);
    assert.deepEqual(snapshot(site), before);
    assert.equal(existsSync(site.target), false);
    assert.deepEqual(site.spooled(), []);
  });

  void test('`plan --json` prints a record that fits together', async () => {
    const site = makeSite();
    for (const node of ['a1', 'a2', 'a3', 'a4']) site.image(node, 2 * MiB);
    const report = await planned(site, 'a[1-4]', ...LINK, '--frontend-link', '40Mbit');
    assert.equal(report.schema, 'kgetplus.plan/1');
    assert.deepEqual(report.inputs, {
      objective: 'mean',
      senders: 1,
      maxHops: 64,
      copies: 1,
      frontendLink: { bytesPerSecond: RATE / 2, source: 'option' },
      racks: 0,
      nodesFirst: 0,
      nodesKeepingNone: 0,
    });
    assert.deepEqual(report.missingNodes, []);
    const [ours, ...rivals] = report.strategies;
    assert.deepEqual([ours?.name, ...rivals.map(({ name }) => name)], NAMES);
    const toFrontend = report.transfers.filter(({ to }) => to === 'frontend');
    assert.deepEqual(toFrontend.map(({ image }) => image).toSorted(), images(site, report));
    const startSeconds = report.transfers.map((transfer) => transfer.startSeconds);
    assert.deepEqual(
      startSeconds,
      startSeconds.toSorted((left, right) => left - right),
    );
    // Four images one after the other over the frontend's link.
    const ready = Math.min(...report.nodes.map((node) => node.readySeconds));
    const makespan = (ours?.times.makespanSeconds ?? 0) - ready;
    assert.ok(makespan >= (8 * MiB) / (RATE / 2) - 1e-6, `${makespan} s`);
    assert.ok(report.nodes.every(({ releasedSeconds }) => releasedSeconds !== null));
  });

  void test('`plan` moves neither zeros nor twice what images have in common', async () => {
    const site = makeSite();
    const base = randomBytes(3 * MiB);
    const zeros = Buffer.alloc(4 * MiB);
    const content = (): Buffer => Buffer.concat([base, randomBytes(MiB), zeros]);
    for (const node of ['a1', 'a2', 'a3']) site.image(node, content());
    const report = await planned(site, 'a[1-3]', ...LINK);
    const [first] = report.images;
    for (const image of report.images) {
      assert.equal(image.sizeBytes, 8 * MiB);
      assert.equal(image.dataBytes, 4 * MiB);
      assert.equal(image.family, `${first?.node}:${first?.path}`);
      assert.equal(image.sharedBytes, 3 * MiB);
    }
    const [ours, serial] = report.strategies;
    assert.equal(ours?.frontendBytes, 6 * MiB);
    assert.equal(report.bound.frontendBytes, 6 * MiB);
    assert.equal(serial?.frontendBytes, 24 * MiB);
  });

  void test('`plan` says so when it does not know the links', async () => {
    const site = makeSite();
    site.image('a1', 10 * KiB);
    const { stdout } = await plan(site, 'a1');
    assert.match(stdout, /^links unknown: assumed 1Gbit; give --link$/m);
    assert.match(stdout, /1\.00 Gbit\/s \(assumed\)/);
  });

  void test('`plan` reports a node that cannot be reached, and foresees the rest', async () => {
    const site = makeSite();
    for (const node of ['a1', 'a2']) site.image(node, 100 * KiB);
    installNode(site, 'a1', 'a2');
    const { exitCode, stdout, stderr } = await plan(site, 'a[1-2],refused1', ...fakeSsh(site));
    assert.equal(exitCode, 3, stderr);
    assert.match(stderr, /refused1: .*Connection refused/);
    assert.match(stdout, /Nodes: 2 of 3 with images/);
    assert.match(stdout, /^1 node left out: see the failures\.$/m);
    assert.match(stdout, /^ {2}refused1: [^]*\(unreachable\)$/m);
  });

  void test('`plan` does not foresee the release of a node of which something cannot be gathered', async () => {
    const site = makeSite();
    for (const name of ['x/disk.img', 'y/disk.img', 'x/other.img']) site.image('a1', MiB, name);
    site.image('a2', MiB, 'x/disk.img');
    const pattern = join(site.root, 'nodes/{node}/*/*.img');
    const { exitCode, stdout } = await site.run(words(site, 'a[1-2]', { pattern }));
    assert.equal(exitCode, 3);
    assert.match(stdout, /^1 node would not be released: see the failures\.$/m);
    assert.match(stdout, /^kgetplus .* never /m);
  });

  void test('`plan` exits with 4 when no image was found', async () => {
    const site = makeSite();
    const { exitCode, stdout, stderr } = await plan(site, 'a1');
    assert.equal(exitCode, 4);
    assert.match(stderr, /a1: Cannot find/);
    assert.match(stdout, /^No image was found: there is nothing to foresee\.$/m);
  });

  void test('`plan` ends with 130 at Ctrl-C, without a forecast', async () => {
    const site = makeSite();
    const mark = join(site.root, 'waiting');
    const ssh = script(site, 'slow-ssh', `touch '${mark}'; exec sleep 100`);
    const running = site.start([...words(site, 'a1'), '--launcher', 'ssh', '--ssh', ssh]);
    await until('an agent is started', () => existsSync(mark));
    running.kill('SIGINT');
    const { exitCode, stdout, stderr } = await running.ended;
    assert.equal(exitCode, 130, stderr);
    assert.equal(stdout, '');
    assert.match(stderr, /Interrupted: there is no forecast\./);
    assert.deepEqual(site.processes(), []);
  });

  void test('`plan` leaves target and spools of an interrupted run alone', async () => {
    const site = makeSite();
    const nodes = ['a1', 'a2', 'a3', 'a4'];
    for (const node of nodes) site.image(node, 2 * MiB);
    const running = site.startGather('a[1-4]', ...SLOW);
    await running.said(/is safe[^]*released/);
    running.kill('SIGINT');
    assert.equal((await running.ended).exitCode, 130);
    assert.ok(site.spooled().length > 0, 'a node keeps an image of another');
    const before = snapshot(site);
    const { exitCode, stderr } = await plan(site, 'a[1-4]', ...LINK);
    assert.equal(exitCode, 0, stderr);
    assert.deepEqual(snapshot(site), before);
  });

  void test('`plan` takes terms of nodes, racks and limits as `gather` does', async () => {
    const site = makeSite();
    for (const node of ['a1', 'a2', 'a3', 'a4']) site.image(node, 2 * MiB);
    const topology = join(site.root, 'racks');
    writeFileSync(topology, 'r1: a[1-2] uplink 40Mbit\nr2: a[3-4] uplink 40Mbit\n');
    const terms = ['--no-receive', 'a[2-4]', '--first', 'a4', '--topology', topology];
    const limits = ['--bwlimit', '20Mbit', '--copies', '1', '--senders', 'auto'];
    const report = await planned(site, 'a[1-4]', ...LINK, ...terms, ...limits);
    assert.equal(report.inputs.senders, 1);
    assert.equal(report.inputs.frontendLink.bytesPerSecond, RATE / 4);
    for (const { to } of report.transfers) assert.ok(to === 'a1' || to === 'frontend', to);
  });

  void test('`plan --report` writes a page, and `--transfers` lists everything', async () => {
    const site = makeSite();
    const nodes = Array.from({ length: 24 }, (_, place) => `a${place}`);
    for (const node of nodes) site.image(node, 10 * KiB);
    const page = join(site.root, 'pages/plan.html');
    const cut = await plan(site, 'a[0-23]', ...LINK, '--report', page);
    assert.match(cut.stdout, /… and \d+ more; --transfers shows all/);
    assert.match(readFileSync(page, 'utf8'), /^<!doctype html>[^]*Kget\+ forecast/);
    const all = await plan(site, 'a[0-23]', ...LINK, '--transfers');
    // One transfer to the frontend for each image, whichever node it comes from.
    assert.equal(all.stdout.match(/ -> frontend .* frontend$/gm)?.length, nodes.length);
    assert.doesNotMatch(all.stdout, /more;/);
  });
});

void suite('plan, used wrongly', { concurrency: 2 }, () => {
  const WRONG: readonly (readonly [string, readonly string[], RegExp])[] = [
    ['a link has no rate', ['--link', '0'], /--link: Cannot read "0" as a rate/],
    ['the frontend has none', ['--frontend-link', 'fast'], /--frontend-link: .*"fast" as a rate/],
    ['an option is of `gather` alone', ['--on-release', 'true'], /unknown option '--on-release'/],
    ['the goal is unknown', ['--objective', 'soon'], /wanted mean, or target:N%/],
    ['a set is about other nodes', ['--first', 'b1'], /--first b1: it names none/],
  ];
  for (const [what, more, message] of WRONG) {
    void test(`\`plan\` exits with 2 and touches nothing when ${what}`, async () => {
      const site = makeSite();
      const { exitCode, stdout, stderr } = await plan(site, 'a1', ...more);
      assert.equal(exitCode, 2, stderr);
      assert.match(stderr, message);
      assert.equal(stdout, '');
    });
  }

  void test('`plan --help` shows examples, and what the forecast leaves out', async () => {
    const { exitCode, stdout } = await makeSite().run(['plan', '--help']);
    assert.equal(exitCode, 0);
    assert.match(stdout, /Examples:\n {2}kgetplus plan -w/);
    assert.match(stdout, /leaves out: [^]*earlier versions of images/);
  });
});

const NAMES = ['kgetplus', 'serial', 'all-at-once'];

function words(site: Site, nodes: string, { pattern = site.pattern } = {}): string[] {
  return ['plan', '-w', nodes, pattern, '--to', site.target, '--launcher', 'local'];
}

function plan(site: Site, nodes: string, ...more: readonly string[]): Promise<Ended> {
  return site.run([...words(site, nodes), ...more]);
}

async function planned(site: Site, nodes: string, ...more: string[]): Promise<PlanReport> {
  const { exitCode, stdout, stderr } = await plan(site, nodes, '--json', ...more);
  assert.equal(exitCode, 0, stderr);
  return JSON.parse(stdout) as PlanReport;
}

function images(site: Site, { nodes }: PlanReport): string[] {
  return nodes.map(({ node }) => `${node}:${site.pathOf(node)}`).toSorted();
}

/** Every file below the nodes, the target and the spools, with a digest. */
function snapshot(site: Site): string[] {
  const places = ['nodes/**/*', 'out/**/*', 'out/.kgetplus/*', 'cache/kgetplus/spool/**/*'];
  const paths = places.flatMap((place) => globSync(join(site.root, place)));
  return paths.toSorted().map((path) => {
    const digest = statSync(path).isFile()
      ? createHash('sha256').update(readFileSync(path)).digest('hex')
      : 'directory';
    return `${path} ${digest}`;
  });
}
