import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { foldJournal } from '../../src/coordinator/fold-journal.ts';
import { readJournal } from '../../src/coordinator/journal-file.ts';
import type { JournalRecord } from '../../src/coordinator/journal.ts';
import { parseReport } from '../../src/report/json.ts';
import type { RunReport } from '../../src/report/record.ts';
import { makeSite, MiB, script, SLOW, until, type Running, type Site } from './site.ts';

const NODES = ['a1', 'a2', 'a3', 'a4'];

void suite('resume', { concurrency: 2 }, () => {
  void test('`resume` brings what a killed run did not, and gives no node back twice', async () => {
    const site = siteOf(NODES);
    const running = startWithHook(site);
    await until('a node is given back', () => logged(site, 'given-back').length > 0);
    await kill(site, running);
    const before = records(site);
    const settled = logged(site, 'given-back').map(({ node }) => node);
    const { exitCode, stderr } = await site.run(['resume', site.target]);
    assert.equal(exitCode, 0, stderr);
    assert.match(stderr, /continues run/);
    site.assertSafe(NODES);
    assert.deepEqual(site.spooled(), []);
    const calls = hooks(site);
    for (const node of settled) assert.equal(calls.filter((call) => call === node).length, 1, node);
    assert.deepEqual([...new Set(calls)].toSorted(), NODES);
    assert.equal(records(site).at(-1)?.type, 'end');
    assertWhole(site, before);
  });

  void test('`resume` gives back nodes whose release command had failed, and no others', async () => {
    const site = siteOf(NODES);
    const broken = join(site.root, 'broken');
    writeFileSync(broken, '');
    const running = startWithHook(site);
    await running.said(/The release command for a\d .*: not yet/);
    await kill(site, running);
    assert.deepEqual(logged(site, 'given-back'), []);
    assert.ok(logged(site, 'released').length > 0);
    rmSync(broken);
    const { exitCode, stderr } = await site.run(['resume', site.target]);
    assert.equal(exitCode, 0, stderr);
    assert.deepEqual(hooks(site).toSorted(), NODES);
    assert.doesNotMatch(stderr, /The release command/);
  });

  void test('`resume` goes on after Ctrl-C as it is told, for all nodes that were named', async () => {
    const site = siteOf([...NODES, 'b1']);
    const running = site.startGather('a[1-4]', ...SLOW, '--senders', '1');
    await running.said(/is safe[^]*released/);
    running.kill('SIGINT');
    const { exitCode, stderr } = await running.ended;
    assert.equal(exitCode, 130);
    assert.match(stderr, new RegExp(`same command again .*, or kgetplus resume ${site.target}`));
    assert.equal((await site.gather('b1')).exitCode, 0);
    const words = ['resume', site.target, '--bwlimit', '1GiB', '--senders', '2', '--json'];
    const again = await site.run(words);
    assert.equal(again.exitCode, 0, again.stderr);
    const report = parseReport({ text: again.stdout, file: 'standard output' });
    assert.deepEqual(report.nodes.map(({ node }) => node).toSorted(), [...NODES, 'b1']);
    assert.equal(report.frontend.sendersAllowed, 2);
    site.assertSafe([...NODES, 'b1']);
    const commands = records(site).filter((record) => record.type === 'run');
    assert.deepEqual(commands.at(-1)?.command?.slice(-4), words.slice(2, 6));
  });

  void test('`resume` says so when there is nothing to resume', async () => {
    const site = siteOf(['a1']);
    const never = await site.run(['resume', site.target]);
    assert.equal(never.exitCode, 2);
    assert.match(never.stderr, /Nothing to resume in .*out: no run has begun there/);
    assert.ok(!existsSync(site.target), 'nothing is made');
    assert.equal((await site.gather('a1')).exitCode, 0);
    const { run } = site.report();
    const ended = await site.run(['resume', site.target]);
    assert.equal(ended.exitCode, 2);
    assert.match(
      ended.stderr,
      new RegExp(`run ${run} ended at 20.*Z, see kgetplus report ${site.target}`),
    );
  });

  void test('`resume` says what is missing when the journal does not tell how to go on', async () => {
    const site = siteOf(['a1']);
    assert.equal((await site.gather('a1')).exitCode, 0);
    const begin = (fields: object): void => {
      const record = { type: 'run', run: 'r1', startedAt: '2026-01-01T00:00:00Z', ...fields };
      writeFileSync(journalOf(site), `${JSON.stringify(record)}\n`);
    };
    begin({});
    const old = await site.run(['resume', site.target]);
    assert.equal(old.exitCode, 2);
    assert.match(old.stderr, /of an older Kget\+.*give the same gather command again/);
    begin({ command: ['gather', 'x'], workingDirectory: join(site.root, 'gone'), nodes: 'a1' });
    const gone = await site.run(['resume', site.target]);
    assert.equal(gone.exitCode, 2);
    assert.match(gone.stderr, /cannot be entered: ENOENT.*gone/);
    const words = ['gather', '-w', 'a1', '--to', 'out', '/x', '--moon'];
    begin({ command: words, workingDirectory: site.root, nodes: 'a1' });
    const strange = await site.run(['resume', site.target]);
    assert.equal(strange.exitCode, 2);
    assert.match(
      strange.stderr,
      /Cannot resume kgetplus gather .* --moon: unknown option '--moon'/,
    );
  });

  void test('`resume` leaves a run alone that is under way', async () => {
    const site = siteOf(['a1', 'a2']);
    const running = site.startGather('a[1-2]', ...SLOW);
    await until('the run has begun', () => logged(site, 'image').length > 0);
    const { exitCode, stderr } = await site.start(['resume', site.target]).ended;
    assert.equal(exitCode, 4, stderr);
    assert.match(stderr, /another run \(process \d+\) works in it/);
    assert.equal((await running.ended).exitCode, 0);
  });

  void test('`gather` and `resume` refuse a journal that is damaged in the middle', async () => {
    const site = siteOf(NODES);
    const running = site.startGather('a[1-4]', ...SLOW);
    await running.said(/is safe[^]*released/);
    running.kill('SIGINT');
    assert.equal((await running.ended).exitCode, 130);
    const text = readFileSync(journalOf(site), 'utf8');
    const damaged = text.replace('"released"', '"releafed"');
    writeFileSync(journalOf(site), damaged);
    const line = damaged.slice(0, damaged.indexOf('releafed')).split('\n').length;
    for (const words of [['resume', site.target], gatherWords(site)]) {
      const { exitCode, stderr } = await site.run(words);
      assert.equal(exitCode, 5, stderr);
      assert.match(stderr, new RegExp(`journal.jsonl, line ${line}: the line is damaged, and`));
    }
    assert.equal(readFileSync(journalOf(site), 'utf8'), damaged, 'it is left as it is');
    const fresh = await site.run([...gatherWords(site), '--fresh']);
    assert.equal(fresh.exitCode, 0, fresh.stderr);
    site.assertSafe(NODES);
  });
});

function siteOf(nodes: readonly string[]): Site {
  const site = makeSite();
  for (const node of nodes) site.image(node, 2 * MiB);
  return site;
}

/** With names relative to where it runs; the command notes the node unless `broken` is there. */
function startWithHook(site: Site): Running {
  script(site, 'hook.sh', 'if [ -e broken ]; then echo not yet; exit 1; fi; echo $1 >> hooks');
  // Its agents do not wait for the next command, which is to start its own.
  const place = ['--to', 'out', '--launcher', 'local', '--orphan-timeout', '0s', ...SLOW];
  const hook = ['--on-release', './hook.sh {node}'];
  return site.start(['gather', '-w', 'a[1-4]', site.pattern, ...place, ...hook]);
}

function gatherWords(site: Site): string[] {
  return ['gather', '-w', 'a[1-4]', site.pattern, '--to', site.target, '--launcher', 'local'];
}

/** As a crash of the command would; its agents notice. */
async function kill(site: Site, running: Running): Promise<void> {
  running.kill('SIGKILL');
  assert.equal((await running.ended).exitCode, null);
  await until('no agent is left', () => site.processes().length === 0);
  assert.notEqual(foldJournal(records(site)), undefined);
}

function journalOf(site: Site): string {
  return join(site.target, '.kgetplus/journal.jsonl');
}

function records(site: Site): readonly JournalRecord[] {
  return readJournal(journalOf(site)).records;
}

function logged<Type extends JournalRecord['type']>(site: Site, type: Type) {
  type Wanted = Extract<JournalRecord, { type: Type }>;
  return records(site).filter((record): record is Wanted => record.type === type);
}

/** The nodes for which the release command has succeeded, once for each time. */
function hooks(site: Site): string[] {
  return readFileSync(join(site.root, 'hooks'), 'utf8').trim().split('\n');
}

/** Asserts that the report covers the whole run, of which `before` was the first part's journal. */
function assertWhole(site: Site, before: readonly JournalRecord[]): void {
  const { run, startedAt, released = new Map(), transfers = [] } = foldJournal(before) ?? {};
  const report = site.report();
  assert.equal(report.run, run);
  assert.equal(report.startedAt, startedAt);
  for (const node of report.nodes) {
    const { releasedSeconds } = released.get(node.node) ?? node;
    assert.equal(node.state, 'released');
    assert.equal(node.releasedSeconds, releasedSeconds);
    assert.ok(node.readySeconds !== null && node.readySeconds < (releasedSeconds ?? 0));
  }
  const latest = Math.max(
    ...[...released.values()].map(({ releasedSeconds }) => releasedSeconds ?? 0),
  );
  const others = report.nodes.filter(({ node }) => !released.has(node));
  assert.ok(others.every(({ releasedSeconds }) => (releasedSeconds ?? 0) > latest));
  assert.ok(transfers.length > 0);
  for (const { image, from, wireBytes, endSeconds } of transfers) {
    const isSame = (other: RunReport['transfers'][number]): boolean =>
      other.image === image && other.from === from && other.wireBytes === wireBytes;
    assert.equal(report.transfers.find(isSame)?.endSeconds, endSeconds);
  }
  const bytes = report.transfers.reduce((sum, transfer) => sum + transfer.wireBytes, 0);
  assert.equal(report.summary.frontendWireBytes + report.summary.peerWireBytes, bytes);
  for (const { image, digest } of logged(site, 'copy')) {
    const siblings = logged(site, 'copy').filter((other) => other.image === image);
    assert.ok(siblings.every((other) => other.digest === digest && digest !== undefined));
  }
}

void suite('the report of a run that was resumed', () => {
  void test('`resume` reports what a run would that was not interrupted', async () => {
    const site = siteOf(NODES);
    const running = startWithHook(site);
    await running.said(/is safe/);
    await kill(site, running);
    assert.equal((await site.run(['resume', site.target])).exitCode, 0);
    const resumed = site.report();
    assert.equal(
      (await site.run([...gatherWords(site), '--to', join(site.root, 'whole')])).exitCode,
      0,
    );
    const file = join(site.root, 'whole/.kgetplus/report.json');
    const whole = parseReport({ text: readFileSync(file, 'utf8'), file });
    assert.deepEqual(factsOf(resumed), factsOf(whole));
    assert.deepEqual(nullsOf(resumed.summary), nullsOf(whole.summary));
    assert.equal(resumed.failures.length, 0);
    for (const { route, node } of resumed.images) {
      assert.equal(route[0], node);
      assert.equal(route.at(-1), 'frontend');
    }
  });
});

/** What of a report does not hang on times. */
function factsOf({ images, nodes, summary }: RunReport) {
  return {
    images: byNode(images).map(({ node, path, sizeBytes, dataBytes, state }) => {
      return { node, path, sizeBytes, dataBytes, state };
    }),
    nodes: byNode(nodes).map(({ node, state }) => [node, state]),
    counts: [summary.images, summary.safe, summary.logicalBytes, summary.dataBytes],
  };
}

function byNode<T extends { readonly node: string }>(rows: readonly T[]): T[] {
  return rows.toSorted((left, right) => (left.node < right.node ? -1 : 1));
}

/** Which figures there are none of. */
function nullsOf(value: object): object {
  return Object.fromEntries(
    Object.entries(value).map(([key, one]: [string, unknown]) => [
      key,
      typeof one === 'object' && one !== null ? nullsOf(one) : one === null,
    ]),
  );
}
