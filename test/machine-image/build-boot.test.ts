import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { BuiltImage } from '../../src/machine-image/build/build.ts';
import { buildRecipe, scratchDirectory, type Scratch } from './build-setup.ts';
import { bootGuest, missingTools, type GuestJob } from './guest.ts';

const TINY = readFileSync(join(import.meta.dirname, '../../recipes/tiny/recipe.yaml'), 'utf8');
const LIMIT_MS = 600_000;
/** What the guest may stand still for a snapshot of its disk. */
const MAX_FROZEN_MS = 150;

/** Minutes of building, and packages from a mirror: `KGETPLUS_TEST_DEBIAN=1`. */
const DEBIAN_SWITCH = 'KGETPLUS_TEST_DEBIAN';

void suite('a built image', { skip: missingTools(), timeout: LIMIT_MS }, () => {
  let scratch: Scratch;
  let tiny: BuiltImage;
  before(async () => {
    scratch = scratchDirectory();
    tiny = await buildRecipe({ text: TINY, directory: join(scratch.path, 'tiny') });
  });
  after(() => scratch[Symbol.dispose]());

  void test('`JOB_RUNNER` runs a job, packs outputs; agent and power button work', async () => {
    await using guest = await bootGuest(tiny, {
      directory: join(scratch.path, 'whole'),
      job: {
        command:
          'echo hello $NAME; pwd; cat in.txt; mkdir out; echo 1 >"out/a b"; echo err >&2; exit 7',
        environment: "export NAME='x  y'\n",
        outputs: 'out/*\n/etc/hosts\nnothing*\n',
        inputs: { 'in.txt': 'input\n' },
      },
    });
    const lines = await guest.status(/^(done|failed)/);
    assert.deepEqual(lines, ['ready', 'started', 'exit 7', 'outputs 3072', 'done']);
    const log = guest.readLog();
    assert.equal(log, 'hello x y\n/job/inputs\ninput\nerr\nkgetplus: no output matches nothing*\n');
    assert.deepEqual(listArchive(guest.outputDisk), ['out/a b', 'etc/hosts']);

    using agent = await guest.agent();
    const id = 1_234_567;
    assert.deepEqual(await agent.ask({ execute: 'guest-sync', arguments: { id } }), { return: id });
    assert.deepEqual(await agent.ask({ execute: 'guest-sync-delimited', arguments: { id } }), {
      return: id,
    });
    assert.deepEqual(await agent.ask({ execute: 'guest-ping' }), { return: {} });
    const pauses: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      assert.deepEqual(await agent.ask({ execute: 'guest-fsfreeze-freeze' }), { return: 1 });
      const frozenAt = performance.now();
      assert.deepEqual(await agent.ask({ execute: 'guest-fsfreeze-status' }), { return: 'frozen' });
      assert.deepEqual(await agent.ask({ execute: 'guest-fsfreeze-thaw' }), { return: 1 });
      pauses.push(performance.now() - frozenAt);
    }
    assert.deepEqual(await agent.ask({ execute: 'guest-fsfreeze-status' }), { return: 'thawed' });
    // The best of five: the others may have met another process of a busy machine.
    assert(Math.min(...pauses) < MAX_FROZEN_MS, `${pauses.join(', ')} ms`);
    assert.deepEqual(await agent.ask({ execute: 'guest-no-such' }), {
      error: { class: 'CommandNotFound', desc: 'not known here' },
    });
    await guest.powerDown();
    assert.match(guest.readConsole(), /Power down/);
  });

  const jobs: readonly (readonly [string, GuestJob, RegExp, RegExp])[] = [
    [
      'the command does not exist',
      { command: 'no-such-command' },
      /^ready,started,exit 127,outputs 0,done$/,
      /no-such-command: not found/,
    ],
    [
      'the time limit runs out',
      { command: 'sleep 1000 & trap "" TERM; sleep 1000; sleep 1000', timeLimit: '1' },
      /^ready,started,exit 124,outputs 0,done$/,
      /the time limit of 1 s ran out/,
    ],
    [
      'the outputs do not fit',
      {
        command: 'dd if=/dev/zero of=big bs=1M count=2 2>/dev/null; echo written',
        outputs: 'big\n',
      },
      /^ready,started,exit 0,failed cannot write the outputs: .*[Nn]o space left/,
      /^written$/m,
    ],
    [
      'the command leaves a process behind',
      { command: 'sleep 1000 & echo a >-b', outputs: '-b\n' },
      /^ready,started,exit 0,outputs \d+,done$/,
      /^$/,
    ],
  ];
  for (const [when, job, wanted, log] of jobs) {
    void test(`\`JOB_RUNNER\` says what became of the job when ${when}`, async () => {
      await using guest = await bootGuest(tiny, {
        directory: join(scratch.path, when.replaceAll(' ', '-').slice(-20)),
        job,
      });
      const lines = await guest.status(/^(done|failed)/);
      assert.match(lines.join(','), wanted, guest.readLog());
      assert.match(guest.readLog(), log);
    });
  }

  void test('`buildImage` makes a directory without an init boot, with files added', async () => {
    const base = join(scratch.path, 'from-directory');
    makeTree(join(base, 'tree'));
    writeFileSync(join(base, 'tool'), '#!/bin/sh\necho tool runs\n');
    const text =
      'name: a\nfrom: {directory: tree}\nsize: 64MiB\n' +
      'files: [{from: tool, to: /usr/local/bin/tool, mode: "0755"}]\n';
    const image = await buildRecipe({ text, directory: join(base, 'work'), baseDirectory: base });
    await using guest = await bootGuest(image, {
      directory: join(base, 'guest'),
      job: { command: 'tool; /bin/busybox stat -c "%u %g %a" /etc/mark' },
    });
    assert((await guest.status(/^(done|failed)/)).includes('exit 0'), guest.readLog());
    assert.match(guest.readLog(), /^tool runs\n0 0 640\n$/);
  });

  void test('`buildImage` keeps owners of a tar archive, and its init', async () => {
    const base = join(scratch.path, 'from-tar');
    const tree = join(base, 'tree');
    makeTree(tree);
    mkdirSync(join(tree, 'sbin'));
    const init = '#!/bin/sh\necho own init >/dev/console\nwhile :; do sleep 1; done\n';
    writeFileSync(join(tree, 'sbin/init'), init, { mode: 0o755 });
    const words = ['-czf', join(base, 'tree.tgz'), '--owner=1234', '--group=99', '-C', tree, '.'];
    assert.equal(spawnSync('tar', words).status, 0);
    const text = 'name: a\nfrom: {tar: tree.tgz}\nsize: 64MiB\n';
    const image = await buildRecipe({ text, directory: join(base, 'work'), baseDirectory: base });
    await using guest = await bootGuest(image, {
      directory: join(base, 'guest'),
      job: { command: '/bin/busybox stat -c "%u %g %a" /etc/mark' },
    });
    assert((await guest.status(/^(done|failed)/)).includes('exit 0'), guest.readLog());
    assert.equal(guest.readLog(), '1234 99 640\n');
    assert.match(guest.readConsole(), /own init/);
    using agent = await guest.agent();
    assert.deepEqual(await agent.ask({ execute: 'guest-ping' }), { return: {} });
  });

  void test(
    '`buildImage` makes a Debian with systemd boot, and run a job',
    { skip: process.env[DEBIAN_SWITCH] === '1' ? false : `${DEBIAN_SWITCH} is not 1` },
    async () => {
      const base = join(scratch.path, 'debian');
      const text =
        'name: d\nfrom: {debian: {suite: bookworm, packages: [procps]}}\nsize: 2GiB\n' +
        'run: [echo "it\'s made" >/etc/made]\n';
      const image = await buildRecipe({ text, directory: base });
      await using guest = await bootGuest(image, {
        directory: join(base, 'guest'),
        memoryMiB: 512,
        job: { command: 'cat /etc/made; ps -p 1 -o comm=' },
      });
      assert((await guest.status(/^(done|failed)/)).includes('exit 0'), guest.readLog());
      assert.equal(guest.readLog(), "it's made\nsystemd\n");
      using agent = await guest.agent();
      assert.deepEqual(await agent.ask({ execute: 'guest-fsfreeze-freeze' }), { return: 1 });
      assert.deepEqual(await agent.ask({ execute: 'guest-fsfreeze-thaw' }), { return: 1 });
      await guest.powerDown();
    },
  );

  /** A file system with nothing but busybox, taken from the built image's own. */
  function makeTree(tree: string): void {
    mkdirSync(join(tree, 'bin'), { recursive: true });
    mkdirSync(join(tree, 'etc'));
    writeFileSync(join(tree, 'etc/mark'), 'mark\n', { mode: 0o640 });
    const initramfs = spawnSync(
      'sh',
      ['-c', 'gunzip -c "$1"', 'sh', join(tiny.directory, 'initramfs')],
      {
        maxBuffer: 64 * 1024 ** 2,
      },
    ).stdout;
    writeFileSync(join(tree, 'bin/busybox'), fileInCpio(initramfs, 'bin/busybox'), { mode: 0o755 });
    symlinkSync('busybox', join(tree, 'bin/sh'));
    symlinkSync('busybox', join(tree, 'bin/sleep'));
    cpSync(join(tree, 'bin/busybox'), join(tree, 'bin/other'));
  }
});

/** The members of an archive at the beginning of a disk. */
function listArchive(disk: string): readonly string[] {
  const { stdout } = spawnSync('tar', ['-tf', disk], { encoding: 'utf8' });
  return stdout.split('\n').filter(Boolean);
}

function fileInCpio(archive: Buffer, name: string): Buffer {
  const nameAt = archive.indexOf(`${name}\0`);
  const header = nameAt - 110;
  const length = Number.parseInt(archive.toString('latin1', header + 54, header + 62), 16);
  const start = Math.ceil((nameAt + name.length + 1) / 4) * 4;
  return archive.subarray(start, start + length);
}
