import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { KgetError } from '../../src/base/error.ts';
import { buildRecipe, imageDigests, scratchDirectory } from './build-setup.ts';
import { missingTools } from './guest.ts';

const TINY = readFileSync(join(import.meta.dirname, '../../recipes/tiny/recipe.yaml'), 'utf8');
const NOBODY = 65_534;
const LIMIT_MS = 300_000;

const skip = missingTools();
const isRoot = process.getuid?.() === 0;

void suite('buildImage', { skip, timeout: LIMIT_MS }, () => {
  void test('`buildImage` makes the same bytes when a recipe is built twice', async () => {
    using scratch = scratchDirectory();
    const first = await buildRecipe({ text: TINY, directory: join(scratch.path, 'a') });
    const second = await buildRecipe({ text: TINY, directory: join(scratch.path, 'b') });
    assert.deepEqual(imageDigests(first), imageDigests(second));
    assert.deepEqual(readdirSync(first.directory).toSorted(), [
      'disk.qcow2',
      'initramfs',
      'vmlinuz',
    ]);
    assert.deepEqual(readdirSync(join(scratch.path, 'a')), ['image']);
  });

  void test(
    '`buildImage` makes the same bytes when an ordinary user builds',
    { skip: isRoot ? false : "the other builds are an ordinary user's already" },
    async () => {
      using scratch = scratchDirectory();
      const ours = await buildRecipe({ text: TINY, directory: join(scratch.path, 'a') });
      const directory = join(scratch.path, 'b');
      mkdirSync(directory);
      chmodSync(scratch.path, 0o755);
      chownSync(directory, NOBODY, NOBODY);
      const script =
        `import { buildRecipe, imageDigests } from ${JSON.stringify(join(import.meta.dirname, 'build-setup.ts'))};` +
        `const built = await buildRecipe({ text: ${JSON.stringify(TINY)}, directory: process.argv[1] + '/w' });` +
        'console.log(JSON.stringify(imageDigests(built)));';
      const words = ['--input-type=module', '-e', script, directory];
      const { stdout, stderr } = spawnSync(process.execPath, words, {
        uid: NOBODY,
        gid: NOBODY,
        cwd: directory,
        encoding: 'utf8',
        env: { PATH: '/usr/bin:/bin', XDG_CACHE_HOME: directory },
        timeout: LIMIT_MS,
      });
      assert(stdout !== '', stderr);
      assert.deepEqual(JSON.parse(stdout), imageDigests(ours));
    },
  );

  const faults: readonly (readonly [string, string, KgetError['code'], RegExp])[] = [
    ['a file is missing', 'files: [{from: nosuch, to: /a}]\n', 'usage', /there is no .*nosuch/],
    [
      'the kernel is missing',
      'kernel: {files: {vmlinuz: nosuch}}\n',
      'usage',
      /there is no .*nosuch/,
    ],
    [
      'apt knows no such kernel',
      'kernel: {debian-package: no-such}\n',
      'usage',
      /no-such.*apt-get update/s,
    ],
    [
      'the files do not fit',
      'size: 16MiB\nfiles: [{from: big, to: /big}]\n',
      'no-room',
      /raise size/,
    ],
    ['the machine is another', 'arch: aarch64\n', 'usage', /this machine is x86_64/],
  ];
  for (const [when, text, code, message] of faults) {
    void test(`\`buildImage\` says so when ${when}`, async () => {
      using scratch = scratchDirectory();
      writeFileSync(join(scratch.path, 'big'), Buffer.alloc(32 * 1024 ** 2, 'x'));
      const whole = `name: a\nfrom: {busybox: true}\n${text}`;
      await assert.rejects(
        buildRecipe({
          text: whole,
          directory: join(scratch.path, 'a'),
          baseDirectory: scratch.path,
        }),
        (error) => {
          assert(error instanceof KgetError, String(error));
          assert.equal(error.code, code, error.message);
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }

  for (const [source, wanted] of [
    ['directory: nosuch', /no such directory/],
    ['tar: nosuch', /no such file/],
    ['tar: junk', /tar/],
  ] as const) {
    void test(`\`buildImage\` says so when there is no ${source}`, async () => {
      using scratch = scratchDirectory();
      writeFileSync(join(scratch.path, 'junk'), 'no archive'.repeat(1000));
      const text = `name: a\nfrom: {${source}}\n`;
      await assert.rejects(
        buildRecipe({ text, directory: join(scratch.path, 'a'), baseDirectory: scratch.path }),
        (error) =>
          error instanceof KgetError && error.code === 'usage' && wanted.test(error.message),
      );
    });
  }

  void test('`buildImage` ends what it runs when it is stopped', async () => {
    using scratch = scratchDirectory();
    const stop = new AbortController();
    const onStep = (step: string): void => {
      if (step === 'disk') stop.abort();
    };
    const directory = join(scratch.path, 'a');
    await assert.rejects(
      buildRecipe({ text: TINY, directory, signal: stop.signal, onStep }),
      (error) => error instanceof KgetError && error.code === 'cancelled',
    );
    const { stdout } = spawnSync('ps', ['-eo', 'args'], { encoding: 'utf8' });
    assert(!stdout.includes(directory), stdout);
  });
});
