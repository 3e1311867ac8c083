import assert from 'node:assert/strict';
import { Command } from 'commander';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { suite, test, type TestContext } from 'node:test';
import { systemClock } from '../../src/base/system-clock.ts';
import { formatSize } from '../../src/base/units.ts';
import { manifestPath, snapshotIndexPath } from '../../src/catalogue/catalogue.ts';
import { describeIndex } from '../../src/catalogue/describe-index.ts';
import { type Manifest, type ManifestImage, writeManifest } from '../../src/catalogue/manifest.ts';
import { addDiff } from '../../src/cli/diff.ts';
import { addLs } from '../../src/cli/ls.ts';
import { addShow } from '../../src/cli/show.ts';
import { addStats } from '../../src/cli/stats.ts';
import { systemEntropy } from '../../src/cli/system.ts';
import { chunkFileOf } from '../../src/content/chunk-name.ts';
import { digestOf } from '../../src/content/digest.ts';
import type { StorePlace } from '../../src/store/store-place.ts';
import { CHUNK, drawImage } from '../content/fixtures.ts';
import { AGENT_DIALECT } from '../../src/control/channel.ts';
import { HOST_DIALECT } from '../../src/control/host-dialect.ts';
import { makeStore, type TestStore } from '../store/fixtures.ts';

const [OLD, NEW] = ['20260101T020000Z-aaaaaa', '20260102T020000Z-bbbbbb'] as const;

const NO_CASYNC = spawnSync('casync', ['--version']).error !== undefined && 'casync is missing';

interface Outcome {
  readonly out: string;
  readonly err: string;
  readonly exitCode: number;
}

/** Runs a command on a store. */
async function run({ directory }: StorePlace, ...words: readonly string[]): Promise<Outcome> {
  const out: string[] = [];
  const err: string[] = [];
  let exitCode = 0;
  const system = {
    clock: systemClock,
    entropy: systemEntropy,
    stdout: sink(out),
    stderr: sink(err),
    agent: { agentFile: '', version: '', dialect: AGENT_DIALECT },
    host: { agentFile: '', version: '', dialect: HOST_DIALECT },
    ownCommand: ['kgetplus'] as const,
    chunkWorkerFile: join(import.meta.dirname, '../../src/store/chunk-worker.ts'),
    processors: 1,
    commandLine: [],
    environment: { KGETPLUS_STORE: directory },
    interrupt: new AbortController().signal,
    setExitCode: (code: number) => {
      exitCode = code;
    },
  };
  const program = new Command('kgetplus').exitOverride();
  for (const add of [addLs, addShow, addDiff, addStats]) add(program, system);
  await program.parseAsync(words, { from: 'user' });
  return { out: out.join(''), err: err.join(''), exitCode };
}

function sink(pieces: string[]): NodeJS.WriteStream {
  const stream = new Writable({
    decodeStrings: false,
    write(piece: string, _encoding, done) {
      pieces.push(piece);
      done();
    },
  });
  return stream as unknown as NodeJS.WriteStream;
}

/** Two runs of two nodes: the second has not ended, and node `b` changed. */
async function fill({ place, addSnapshot }: TestStore): Promise<void> {
  for (const id of [OLD, NEW]) {
    await addSnapshot({ run: id, node: 'a', image: drawImage('sx..') });
    await addSnapshot({ run: id, node: 'b', image: drawImage(id === OLD ? 'sy.s' : 'szs.s') });
  }
  await describeRun(place, OLD, {
    endedAt: '2026-01-01T02:05:00.000Z',
    tags: ['gold'],
    missing: [{ node: 'c', path: '/vm/c.img', reason: 'it cannot be reached' }],
  });
  await describeRun(place, NEW, { endedAt: null });
}

async function describeRun(
  place: StorePlace,
  id: string,
  change: Partial<Manifest>,
): Promise<void> {
  const images: ManifestImage[] = [];
  for (const node of ['a', 'b']) {
    const name = 'disk.img';
    const described = await describeIndex(snapshotIndexPath(place, { run: id, node, name }));
    images.push({ node, path: `/vm/${node}/${name}`, name, ...described, wireBytes: 7, chunks: 2 });
  }
  await writeManifest(manifestPath(place, id), {
    run: id,
    startedAt: id === OLD ? '2026-01-01T02:00:00.000Z' : '2026-01-02T02:00:00.000Z',
    endedAt: null,
    user: 'root',
    host: 'front',
    version: '0.1.0',
    command: ['kgetplus', 'gather'],
    tags: [],
    images,
    missing: [],
    ...change,
  });
}

async function filled(t: TestContext): Promise<StorePlace> {
  const store = await makeStore(t);
  await fill(store);
  return store.place;
}

function fileOf(place: StorePlace, letter: string): string {
  return chunkFileOf(place.chunks, digestOf(drawImage(letter)));
}

/** The size of a chunk's file, as it is printed. */
function chunkWords(place: StorePlace, letter: string): string {
  return formatSize(statSync(fileOf(place, letter)).size);
}

void suite('ls', () => {
  void test('`ls` lists snapshots below their runs, with what is missing or unfinished', async (t) => {
    const place = await filled(t);
    const { out, err, exitCode } = await run(place, 'ls');
    const own = chunkWords(place, 'z');
    const lines = out.split('\n').map((line) => line.trim().replaceAll(/\s+/g, ' '));
    assert.deepEqual(lines, [
      'Node Image Size Data Unique',
      `${OLD} 2026-01-01 02:00:00 UTC, 1 missing, tagged gold`,
      'a disk.img 16.0 KiB 8.00 KiB 0 B',
      `b disk.img 16.0 KiB 12.0 KiB ${own}`,
      'c /vm/c.img – – – missing: it cannot be reached',
      `${NEW} 2026-01-02 02:00:00 UTC, unfinished`,
      'a disk.img 16.0 KiB 8.00 KiB 0 B',
      `b disk.img 20.0 KiB 16.0 KiB ${own}`,
      '',
      '2 runs, 4 snapshots, 68.0 KiB of images',
      '',
    ]);
    assert.deepEqual([err, exitCode], ['', 0]);
  });

  void test('`ls --runs` has a line for each run', async (t) => {
    const place = await filled(t);
    const { out } = await run(place, 'ls', '--runs');
    const own = chunkWords(place, 'z');
    assert.match(
      out,
      new RegExp(`^${OLD} +2026-01-01 02:00:00 +2 .* ${own}  1 missing, tagged gold$`, 'm'),
    );
    assert.match(out, new RegExp(`^${NEW} .* ${own}  unfinished$`, 'm'));
  });

  void test('`ls` lists only what is selected, and tells what is unique among all', async (t) => {
    const place = await filled(t);
    const { out } = await run(place, 'ls', 'latest', '-w', 'b', '--json');
    const { runs } = JSON.parse(out) as { runs: { snapshots: object[]; uniqueBytes: number }[] };
    assert.equal(runs.length, 1);
    assert.deepEqual(runs[0]?.snapshots, [
      {
        id: `${NEW}/b/disk.img`,
        node: 'b',
        image: 'disk.img',
        path: '/vm/b/disk.img',
        sizeBytes: 5 * CHUNK,
        dataBytes: 4 * CHUNK,
        uniqueBytes: statSync(fileOf(place, 'z')).size,
        missingChunks: 0,
        problem: null,
      },
    ]);
    assert.equal(runs[0]?.uniqueBytes, null);
  });

  void test('`ls -w` lists what is missing from these nodes alone', async (t) => {
    const place = await filled(t);
    const ofC = await run(place, 'ls', '-w', 'c,d');
    assert.match(ofC.out, /^ {2}c +\/vm\/c\.img .* missing: it cannot be reached$/m);
    assert.match(ofC.out, /^1 run, 0 snapshots, 0 B of images$/m);
    assert.doesNotMatch((await run(place, 'ls', '-w', 'a')).out, /missing/);
    assert.doesNotMatch((await run(place, 'ls', `${NEW}/a`)).out, /missing/);
    await assert.rejects(run(place, 'ls', '-w', 'd'), { code: 'usage' });
  });

  void test('`ls --fast` looks up no chunk', async (t) => {
    const place = await filled(t);
    rmSync(place.table, { recursive: true });
    const { out } = await run(place, 'ls', '--fast');
    assert.match(out, /^ {2}b +disk\.img +20\.0 KiB +16\.0 KiB +–$/m);
    assert.equal(existsSync(place.table), false);
  });

  void test('`ls` tells sizes of a run without a manifest', async (t) => {
    const place = await filled(t);
    rmSync(manifestPath(place, NEW));
    const [fast, full] = [await run(place, 'ls', NEW, '--fast'), await run(place, 'ls', NEW)];
    assert.match(fast.out, /^ {2}b +disk\.img +20\.0 KiB +– +–$/m);
    assert.match(full.out, /^ {2}b +disk\.img +20\.0 KiB +16\.0 KiB +\d+ B$/m);
    assert.match(full.out, /unfinished/);
  });

  void test('`ls` warns of a broken index and lists the others', async (t) => {
    const place = await filled(t);
    writeFileSync(snapshotIndexPath(place, { run: OLD, node: 'a', name: 'disk.img' }), 'broken');
    const { out, err, exitCode } = await run(place, 'ls', OLD);
    assert.match(out, /^ {2}a .* index cannot be used$/m);
    assert.match(out, /1 damaged/);
    assert.match(out, /^ {2}b +disk\.img +16\.0 KiB/m);
    assert.match(err, /^kgetplus: Cannot use index .*disk\.img\.caibx/);
    assert.equal(exitCode, 0);
  });

  void test('`ls` says so when there is nothing in the store, or no store', async (t) => {
    const { place } = await makeStore(t);
    mkdirSync(place.snapshots, { recursive: true });
    const { out, exitCode } = await run(place, 'ls');
    assert.match(out, /^There is no snapshot in /);
    assert.equal(exitCode, 0);
    rmSync(place.snapshots, { recursive: true });
    await assert.rejects(run(place, 'ls'), { code: 'usage' });
  });

  void test('`ls` writes escapes when names would not show as themselves', async (t) => {
    const store = await makeStore(t);
    await store.addSnapshot({ run: OLD, node: 'a', name: 'x\u001b[2J', image: drawImage('s') });
    const { out } = await run(store.place, 'ls');
    assert.match(out, /x\\u\{1b\}\[2J/);
    assert.ok(!out.includes('\u001b'));
  });
});

void suite('show', () => {
  void test('`show` tells all of a run: its snapshots, and what is missing and why', async (t) => {
    const place = await filled(t);
    const { out, exitCode } = await run(place, 'show', OLD);
    for (const line of [
      /^ {2}Ended +2026-01-01 02:05:00 UTC$/m,
      /^ {2}State +incomplete: 1 missing$/m,
      /^ {2}By +root on front, kgetplus 0\.1\.0$/m,
      /^Snapshot .*\/b\/disk\.img$/m,
      /^ {2}Chunks +4 of 4\.00 KiB, 1 of them zero, named by SHA-256$/m,
      new RegExp(`^ {2}Unique to it +${chunkWords(place, 'y')} in 1 chunk$`, 'm'),
      /^Missing from c$/m,
      /^ {2}Reason +it cannot be reached$/m,
    ]) {
      assert.match(out, line);
    }
    const index = snapshotIndexPath(place, { run: OLD, node: 'b', name: 'disk.img' });
    assert.ok(out.includes(`casync --store=${place.chunks} extract ${index} disk.img\n`));
    assert.equal(exitCode, 0);
  });

  void test(
    '`show` tells a command by which casync writes the image',
    { skip: NO_CASYNC },
    async (t) => {
      const store = await makeStore(t);
      const image = drawImage('sx..', 100);
      await store.addSnapshot({ run: OLD, name: "a disk's.img", image });
      const { out } = await run(store.place, 'show', OLD);
      const [, command = ''] = /^ {2}Extract by +(.*)$/m.exec(out) ?? [];
      const cwd = store.place.directory;
      execFileSync('sh', ['-c', command], { cwd, timeout: 60_000 });
      assert.deepEqual(readFileSync(join(cwd, "a disk's.img")), image);
    },
  );

  void test('`show` takes a run by the beginning of its name, and `latest`', async (t) => {
    const place = await filled(t);
    assert.match((await run(place, 'show', '20260101')).out, new RegExp(`^Run ${OLD}$`, 'm'));
    assert.match((await run(place, 'show', 'latest')).out, new RegExp(`^Run ${NEW}$`, 'm'));
    await assert.rejects(run(place, 'show', '2026'), { code: 'usage' });
    await assert.rejects(run(place, 'show', '2026*/a'), { code: 'usage' });
  });

  void test('`show` shows only what is selected of a run', async (t) => {
    const { out } = await run(await filled(t), 'show', `${OLD}/b`);
    assert.match(out, /^Snapshot .*\/b\/disk\.img$/m);
    assert.doesNotMatch(out, /^Snapshot .*\/a\/|^Missing/m);
  });

  void test('`show` exits with 5 when an index is broken, or not the one of the run', async (t) => {
    const place = await filled(t);
    const path = (node: string) => snapshotIndexPath(place, { run: OLD, node, name: 'disk.img' });
    writeFileSync(path('a'), readFileSync(path('b')));
    const changed = await run(place, 'show', `${OLD}/a`);
    assert.match(changed.out, /^ {2}Problem +Index .* was changed: found SHA-256/m);
    assert.equal(changed.exitCode, 5);
    writeFileSync(path('a'), 'broken');
    const broken = await run(place, 'show', `${OLD}/a`);
    assert.match(broken.out, /^ {2}Problem +Cannot use index/m);
    assert.equal(broken.exitCode, 5);
  });

  void test('`show` exits with 3 when chunks are missing', async (t) => {
    const place = await filled(t);
    rmSync(fileOf(place, 'z'));
    rmSync(place.table, { recursive: true });
    const { out, exitCode } = await run(place, 'show', `${NEW}/b`);
    assert.match(out, /^ {2}Missing +1 chunk: it cannot be restored/m);
    assert.equal(exitCode, 3);
  });
});

void suite('diff', () => {
  void test('`diff` tells how much differs and where', async (t) => {
    const { out, exitCode } = await run(await filled(t), 'diff', `${OLD}/b`, `${NEW}/b`);
    assert.match(out, /^16\.0 KiB in 4 extents differ: 80 % of 20\.0 KiB$/m);
    assert.match(
      out,
      /^ +4096 +4096 {2}changed\n +8192 +4096 {2}written\n +12288 +4096 {2}zeroed\n/m,
    );
    assert.equal(exitCode, 0);
  });

  void test('`diff --exit-code` exits with 3 when they differ', async (t) => {
    const place = await filled(t);
    const same = await run(place, 'diff', '--exit-code', `${OLD}/a`, `${NEW}/a`);
    assert.match(same.out, /^No difference\.$/m);
    assert.equal(same.exitCode, 0);
    const other = await run(place, 'diff', '--exit-code', `${OLD}/b`, `${NEW}/b`);
    assert.equal(other.exitCode, 3);
  });

  void test('`diff --json` is one document with all extents', async (t) => {
    const store = await makeStore(t);
    await store.addSnapshot({ run: OLD, image: drawImage('a.'.repeat(40)) });
    await store.addSnapshot({ run: NEW, image: drawImage('b.'.repeat(40)) });
    const { out } = await run(store.place, 'diff', '--json', OLD, NEW);
    const { summary, extents } = JSON.parse(out) as { summary: object; extents: object[] };
    assert.equal(extents.length, 40);
    assert.deepEqual(extents[1], { offset: 2 * CHUNK, lengthBytes: CHUNK, change: 'changed' });
    assert.deepEqual(summary, {
      extents: 40,
      bytes: { changed: 40 * CHUNK, written: 0, zeroed: 0, added: 0, removed: 0 },
    });
    const same = await run(store.place, 'diff', '--json', OLD, OLD);
    assert.deepEqual((JSON.parse(same.out) as { extents: object[] }).extents, []);
  });

  void test('`diff` lists the first extents unless all are asked for', async (t) => {
    const store = await makeStore(t);
    await store.addSnapshot({ run: OLD, image: drawImage('a.'.repeat(40)) });
    await store.addSnapshot({ run: NEW, image: drawImage('b.'.repeat(40)) });
    const some = await run(store.place, 'diff', OLD, NEW);
    assert.equal(some.out.match(/ {2}changed$/gm)?.length, 20);
    assert.match(some.out, /^… and 20 more: --all has them$/m);
    const all = await run(store.place, 'diff', '--all', OLD, NEW);
    assert.equal(all.out.match(/ {2}changed$/gm)?.length, 40);
  });

  void test('`diff` compares zeros alone, and says so, when chunks have other sizes', async (t) => {
    const store = await makeStore(t);
    const image = drawImage('a...');
    await store.addSnapshot({ run: OLD, image });
    await store.addSnapshot({ run: NEW, image, chunkSizeBytes: 2 * CHUNK });
    const { out } = await run(store.place, 'diff', OLD, NEW);
    assert.match(out, /only zeros could be\s+compared/);
    assert.match(out, /^ +0 +4096 {2}changed\n +4096 +4096 {2}written\n$/m);
  });
});

void suite('stats', () => {
  void test('`stats` prints figures, writes them as a page, and as JSON', async (t) => {
    const place = await filled(t);
    const html = join(place.directory, 'page.html');
    const { out } = await run(place, 'stats', '--html', html);
    assert.match(out, /^ {2}Zeros +24\.0 KiB +35\.3 %$/m);
    assert.match(
      out,
      new RegExp(
        `^${NEW} +2 +36\\.0 KiB +33\\.3 % +55\\.6 % +4\\.00 KiB +${chunkWords(place, 'z')}$`,
        'm',
      ),
    );
    assert.match(readFileSync(html, 'utf8'), /^<!doctype html>/);
    const { totals } = JSON.parse((await run(place, 'stats', '--json')).out) as {
      totals: Record<string, number>;
    };
    assert.equal(totals['duplicateBytes'], 7 * CHUNK);
  });

  void test('`stats` names snapshots that it cannot read', async (t) => {
    const place = await filled(t);
    writeFileSync(snapshotIndexPath(place, { run: OLD, node: 'a', name: 'disk.img' }), 'broken');
    const { out, exitCode } = await run(place, 'stats');
    assert.match(out, /^ {2}Unreadable +1 /m);
    assert.match(out, /^ {2}Cannot use index/m);
    assert.equal(exitCode, 0);
  });

  void test('`stats` says so when there is nothing in the store', async (t) => {
    const { place } = await makeStore(t);
    mkdirSync(place.snapshots, { recursive: true });
    assert.match((await run(place, 'stats')).out, /^There is no snapshot in /);
  });
});
