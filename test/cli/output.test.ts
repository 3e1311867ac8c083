import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { parseReport } from '../../src/report/json.ts';
import { fakeSsh, installNode } from './fake-ssh.ts';
import { KiB, makeSite, MiB, script } from './site.ts';

void suite('what is printed and written', { concurrency: 2 }, () => {
  void test('`gather --dry-run` lists what would be gathered, in order, and moves nothing', async () => {
    const site = makeSite();
    for (const node of ['a1', 'a2', 'a10']) site.image(node, 10 * KiB);
    const { exitCode, stdout } = await site.gather('a[1-2,10]', '--dry-run');
    assert.equal(exitCode, 0);
    assert.deepEqual(stdout.trim().split('\n'), [
      ...['a1', 'a2', 'a10'].map((node) => `${node}\t${site.pathOf(node)}\t10.0 KiB`),
      '3 images, 30.0 KiB; nothing was moved',
    ]);
    assert.equal(existsSync(site.copyOf('a1')), false);
    assert.equal(existsSync(join(site.target, '.kgetplus/report.json')), false);
    assert.deepEqual(site.spooled(), []);
  });

  void test('`gather --dry-run` exits as the gather would', async () => {
    const site = makeSite();
    site.image('a1', 10 * KiB);
    const some = await site.gather('a[1-2]', '--dry-run');
    assert.equal(some.exitCode, 3, some.stderr);
    assert.match(some.stderr, /a2: Cannot find/);
    assert.equal((await site.gather('a2', '--dry-run')).exitCode, 4);
  });

  void test('`gather --json` prints the report that it writes, and nothing else', async () => {
    const site = makeSite();
    for (const node of ['a1', 'a2']) site.image(node, 100 * KiB);
    const { exitCode, stdout } = await site.gather('a[1-2]', '--json');
    assert.equal(exitCode, 0);
    const report = parseReport({ text: stdout, file: 'stdout' });
    assert.deepEqual(report, site.report());
    assert.equal(report.summary.safe, 2);
  });

  void test('`gather --json` prints a report also when something is missing', async () => {
    const site = makeSite();
    site.image('a1', 10 * KiB);
    const { exitCode, stdout } = await site.gather('a[1-2]', '--json');
    assert.equal(exitCode, 3);
    const { failures, nodes } = parseReport({ text: stdout, file: 'stdout' });
    assert.deepEqual(
      failures.map(({ node, code }) => [node, code]),
      [['a2', 'no-match']],
    );
    assert.deepEqual(nodes.map(({ state }) => state).toSorted(), ['failed', 'released']);
  });

  void test('`report` shows a run again: by its directory or file, as text, JSON and HTML', async () => {
    const site = makeSite();
    site.image('a1', 100 * KiB);
    const gathered = await site.gather('a1');
    const byDirectory = await site.run(['report', site.target]);
    assert.equal(byDirectory.exitCode, 0, byDirectory.stderr);
    assert.equal(byDirectory.stdout, gathered.stdout);
    const file = join(site.target, '.kgetplus/report.json');
    const html = join(site.root, 'again.html');
    const byFile = await site.run(['report', file, '--html', html, '--json', '--nodes']);
    assert.equal(byFile.exitCode, 0, byFile.stderr);
    assert.match(readFileSync(html, 'utf8'), /^<!doctype html>/i);
    const json = await site.run(['report', site.target, '--json']);
    assert.equal(json.stdout, readFileSync(file, 'utf8'));
  });

  void test('`report --html` says so when it cannot write', async () => {
    const site = makeSite();
    site.image('a1', KiB);
    await site.gather('a1');
    const { exitCode, stderr } = await site.run(['report', site.target, '--html', '/proc/x.html']);
    assert.notEqual(exitCode, 0);
    assert.match(stderr, /^kgetplus: Cannot write .*\/proc\/x.html/);
    assert.doesNotMatch(stderr, /\n +at /, 'no stack');
  });

  void test('`gather --report` writes there, and is not undone when it cannot', async () => {
    const site = makeSite();
    site.image('a1', 10 * KiB);
    const path = join(site.root, 'deep/er/report.html');
    const { stderr } = await site.gather('a1', '--report', path);
    assert.match(stderr, new RegExp(`Report: ${path}`));
    assert.match(readFileSync(path, 'utf8'), /^<!doctype html>/i);
    const nowhere = await site.gather('a1', '--report', '/proc/x.html');
    assert.equal(nowhere.exitCode, 0, nowhere.stderr);
    assert.match(nowhere.stderr, /Cannot write the report \/proc\/x.html: /);
    assert.doesNotMatch(nowhere.stderr, /Report: /);
  });

  void test('`gather --on-release` runs once per released node, with its name', async () => {
    const site = makeSite();
    for (const node of ['a1', 'a2', 'a3']) site.image(node, 50 * KiB);
    const log = join(site.root, 'released');
    const hook = `echo '{node}' >>'${log}'`;
    const { exitCode, stderr } = await site.gather('a[1-4]', '--on-release', hook);
    assert.equal(exitCode, 3, stderr);
    const nodes = readFileSync(log, 'utf8').trim().split('\n');
    assert.deepEqual(nodes.toSorted(), ['a1', 'a2', 'a3']);
  });

  void test('`gather --on-release` reports a command that fails, and ends well', async () => {
    const site = makeSite();
    for (const node of ['a1', 'a2']) site.image(node, 50 * KiB);
    const hook = 'test {node} = a2 || { echo no such job >&2; exit 7; }';
    const { exitCode, stderr } = await site.gather('a[1-2]', '--on-release', hook);
    assert.equal(exitCode, 0, stderr);
    assert.match(
      stderr,
      /a1: The release command for a1 .* ended with status 7; it said: no such job/,
    );
    site.assertSafe(['a1', 'a2']);
    // Nothing is left to continue: all is safe, whatever the command did.
    assert.doesNotMatch((await site.gather('a[1-2]')).stderr, /continues/);
  });

  void test('`gather --ssh` takes a command of several words', async () => {
    const site = makeSite();
    for (const node of ['a1', 'a2']) site.image(node, MiB);
    installNode(site, 'a1', 'a2');
    const [, path = '', ...rest] = fakeSsh(site);
    const wrapper = script(
      site,
      'with options',
      'test "$1" = "-o two words" || exit 9\nshift\nexec "$@"',
    );
    const command = `'${wrapper}' "-o two words" ${path}`;
    const first = await site.gather('a[1-2]', '--ssh', command, ...rest);
    assert.equal(first.exitCode, 0, first.stderr);
    site.assertSafe(['a1', 'a2']);
    const agents = join(site.root, 'cache/kgetplus');
    assert.ok(existsSync(agents));
    // A damaged agent in the cache is sent again.
    for (const name of agentsIn(agents)) writeFileSync(join(agents, name), 'process.exit(1)');
    rmSync(site.target, { recursive: true });
    const second = await site.gather('a[1-2]', '--ssh', command, ...rest);
    assert.equal(second.exitCode, 0, second.stderr);
    site.assertSafe(['a1', 'a2']);
  });
});

function agentsIn(directory: string): string[] {
  const names = readdirSync(directory).filter((name) => name.startsWith('agent-'));
  assert.equal(names.length, 1);
  return names;
}
