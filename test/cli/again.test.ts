import assert from 'node:assert/strict';
import { existsSync, globSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { KiB, makeSite, MiB, SLOW, until, wireBytes, type Site } from './site.ts';

const CHUNK = 128 * KiB;

void suite('gather, again', { concurrency: 2 }, () => {
  void test('`gather` transfers nearly nothing when nothing changed, and then what changed', async () => {
    const site = makeSite();
    for (const node of ['a1', 'a2']) site.image(node, 4 * MiB);
    assert.equal((await site.gather('a[1-2]')).exitCode, 0);
    assert.ok(wireBytes(site) > 8 * MiB);
    assert.equal((await site.gather('a[1-2]')).exitCode, 0);
    assert.ok(wireBytes(site) < 8 * KiB, `${wireBytes(site)} B for nothing`);
    site.assertSafe(['a1', 'a2']);
    // One of 64 chunks.
    const path = site.pathOf('a2');
    const changed = readFileSync(path).fill('new', 10 * CHUNK + 5, 11 * CHUNK - 5);
    writeFileSync(path, changed);
    assert.equal((await site.gather('a[1-2]')).exitCode, 0);
    assert.ok(wireBytes(site) < CHUNK + 8 * KiB, `${wireBytes(site)} B for one chunk`);
    site.assertSafe(['a1', 'a2']);
  });

  void test('`gather` warns of a corrupt index beside a file, and fetches the data', async () => {
    const site = makeSite();
    for (const node of ['a1', 'a2']) site.image(node, MiB);
    assert.equal((await site.gather('a[1-2]')).exitCode, 0);
    writeFileSync(`${site.copyOf('a1')}.caibx`, 'nonsense');
    const { exitCode, stderr } = await site.gather('a[1-2]');
    assert.equal(exitCode, 0, stderr);
    assert.match(stderr, /frontend: Cannot .*a1\/disk.img/);
    site.assertSafe(['a1', 'a2']);
    assert.ok(wireBytes(site) > MiB && wireBytes(site) < 1.1 * MiB);
    assert.doesNotMatch((await site.gather('a[1-2]')).stderr, /Cannot/);
  });

  void test('`gather` believes no index whose file was changed', async () => {
    const site = makeSite();
    site.image('a1', MiB);
    assert.equal((await site.gather('a1')).exitCode, 0);
    writeFileSync(site.copyOf('a1'), readFileSync(site.copyOf('a1')).fill(7, 0, 3 * CHUNK));
    assert.equal((await site.gather('a1')).exitCode, 0);
    site.assertSafe(['a1']);
  });
});

void suite('gather, stopped and continued', { concurrency: 2 }, () => {
  const nodes = ['a1', 'a2', 'a3', 'a4'];

  void test('`gather` ends with 130 at Ctrl-C, and goes on when it is run again', async () => {
    const site = makeSite();
    for (const node of nodes) site.image(node, 2 * MiB);
    const running = site.startGather('a[1-4]', ...SLOW);
    // By then all nodes have named their images.
    await running.said(/is safe/);
    running.kill('SIGINT');
    const { exitCode, stderr, stdout } = await running.ended;
    assert.equal(exitCode, 130, stderr);
    assert.match(stderr, /Stopping/);
    assert.match(stderr, /Interrupted: run the same command again to continue/);
    assert.match(stdout, /of 4 images are safe/);
    assert.deepEqual(site.processes(), []);
    site.assertNothingHalfDone();
    const before = doneBytes(site);
    const again = await site.gather('a[1-4]');
    assert.equal(again.exitCode, 0, again.stderr);
    site.assertSafe(nodes);
    const after = doneBytes(site);
    assert.ok(after > before, 'the report is that of both parts');
    assert.ok(after < 1.02 * 8 * MiB, 'what was durable came again');
    assert.deepEqual(site.spooled(), []);
    assert.deepEqual(globSync(join(site.target, '*/.*part*')), []);
  });

  void test('`gather` goes on with the agents that are there when it was killed and is run again', async () => {
    const site = makeSite();
    for (const node of nodes) site.image(node, 2 * MiB);
    const words = ['gather', '-w', 'a[1-4]', site.pattern, '--to', site.target];
    const running = site.start([...words, '--launcher', 'local', ...SLOW]);
    await running.said(/is safe/);
    const agents = site.processes();
    running.kill('SIGKILL');
    await running.ended;
    const again = await site.gather('a[1-4]');
    assert.equal(again.exitCode, 0, again.stderr);
    const found = [...again.stderr.matchAll(/goes on as process (\d+)/g)].map(([, id]) =>
      Number(id),
    );
    assert.ok(found.length > 0, again.stderr);
    assert.deepEqual(
      found.filter((id) => !agents.includes(id)),
      [],
    );
    site.assertSafe(nodes);
    assert.deepEqual(readdirSync(join(site.root, 'cache/kgetplus/spool')), []);
  });

  void test('`gather` leaves no agent when it is killed and nodes are not to wait for it', async () => {
    const site = makeSite();
    for (const node of nodes) site.image(node, 2 * MiB);
    const words = ['gather', '-w', 'a[1-4]', site.pattern, '--to', site.target];
    const alone = ['--launcher', 'local', '--orphan-timeout', '0s'];
    const running = site.start([...words, ...alone, ...SLOW]);
    await running.said(/released/);
    running.kill('SIGKILL');
    assert.equal((await running.ended).exitCode, null);
    await until('no agent is left', () => site.processes().length === 0);
    site.assertNothingHalfDone();
    assert.ok(existsSync(join(site.target, '.kgetplus/lock')));
    const again = await site.gather('a[1-4]');
    assert.equal(again.exitCode, 0, again.stderr);
    site.assertSafe(nodes);
    assert.deepEqual(site.spooled(), []);
  });

  void test('`gather` ends with 130 when it is stopped while agents start', async () => {
    const site = makeSite();
    site.image('a1', KiB);
    const running = site.startGather('a1');
    await until('the run has begun', () => existsSync(join(site.target, '.kgetplus/lock')));
    running.kill('SIGINT');
    const { exitCode, stderr } = await running.ended;
    assert.equal(exitCode, 130, stderr);
    assert.match(stderr, /same command again/);
    assert.equal((await site.gather('a1')).exitCode, 0);
    site.assertSafe(['a1']);
  });

  void test('`gather` fetches again what was safe and has been deleted since', async () => {
    const site = makeSite();
    for (const node of nodes) site.image(node, 2 * MiB);
    await interrupted(site);
    const safe = site.report().images.find(({ state }) => state === 'safe');
    assert.ok(safe !== undefined);
    rmSync(site.copyOf(safe.node));
    const again = await site.gather('a[1-4]');
    assert.equal(again.exitCode, 0, again.stderr);
    site.assertSafe(nodes);
  });

  void test('`gather` says what it continues, and starts anew with --fresh', async () => {
    const site = makeSite();
    for (const node of nodes) site.image(node, 2 * MiB);
    await interrupted(site);
    const { run } = site.report();
    const dry = await site.gather('a[1-4]', '--dry-run');
    assert.match(dry.stderr, new RegExp(`continues run ${run}.*--fresh`));
    for (const node of nodes) site.image(node, MiB);
    const fresh = await site.gather('a[1-4]', '--fresh');
    assert.equal(fresh.exitCode, 0, fresh.stderr);
    assert.doesNotMatch(fresh.stderr, /continues/);
    site.assertSafe(nodes);
  });

  void test('`gather` does not take an interrupted run of other paths for its own', async () => {
    const site = makeSite();
    for (const node of nodes) site.image(node, 2 * MiB);
    for (const node of nodes) site.image(node, 64 * KiB, 'other.img');
    await interrupted(site);
    const words = ['gather', '-w', 'a[1-4]', site.pathOf('{node}', 'other.img')];
    const place = ['--to', site.target, '--launcher', 'local'];
    const other = await site.run([...words, ...place]);
    assert.equal(other.exitCode, 2, other.stderr);
    assert.match(other.stderr, /Cannot .*disk.img.*--fresh/);
    assert.equal((await site.gather('a[1-4]')).exitCode, 0);
    site.assertSafe(nodes);
    assert.equal((await site.run([...words, ...place])).exitCode, 0);
    site.assertSafe(nodes, 'other.img');
  });

  void test('`gather` of other nodes does not end an interrupted run', async () => {
    const site = makeSite();
    for (const node of [...nodes, 'b1']) site.image(node, 2 * MiB);
    await interrupted(site);
    const before = doneBytes(site);
    assert.equal((await site.gather('b1')).exitCode, 0);
    const again = await site.gather('a[1-4]');
    assert.equal(again.exitCode, 0, again.stderr);
    assert.match(again.stderr, /continues run/);
    site.assertSafe([...nodes, 'b1']);
    const after = doneBytes(site);
    assert.ok(after > before, 'the report is that of both parts');
    assert.ok(after < 1.02 * 8 * MiB, 'what was durable came again');
    assert.doesNotMatch((await site.gather('a[1-4]')).stderr, /continues/);
  });

  void test('`gather --dry-run` leaves the spools of an interrupted run alone', async () => {
    const site = makeSite();
    for (const node of nodes) site.image(node, 2 * MiB);
    await interrupted(site);
    const spooled = site.spooled();
    assert.ok(spooled.length > 0, 'a node keeps an image of another');
    await site.gather('a[1-4]', '--dry-run');
    assert.deepEqual(site.spooled(), spooled);
    rmSync(join(site.target, '.kgetplus/journal.jsonl'));
    for (const node of nodes) rmSync(site.pathOf(node));
    const blind = await site.gather('a[1-4]', '--dry-run');
    assert.equal(blind.exitCode, 4, blind.stderr);
    assert.deepEqual(site.spooled(), spooled);
  });
});

/** A run of four nodes that was interrupted when one had been released. */
async function interrupted(site: Site): Promise<void> {
  const running = site.startGather('a[1-4]', ...SLOW);
  await running.said(/is safe[^]*released/);
  running.kill('SIGINT');
  assert.equal((await running.ended).exitCode, 130);
}

/** What durable transfers to the frontend have cost on the wire. */
function doneBytes(site: Site): number {
  const done = site
    .report()
    .transfers.filter(({ to, state }) => to === 'frontend' && state === 'done');
  return done.reduce((sum, transfer) => sum + transfer.wireBytes, 0);
}
