import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { addImage } from '../../src/cli/image.ts';
import { temporaryDirectory } from '../content/fixtures.ts';
import { bootGuest, missingTools } from '../machine-image/guest.ts';
import { runCommand } from '../restore/command.ts';

const TINY = join(import.meta.dirname, '../../recipes/tiny/recipe.yaml');

function setUp(t: TestContext) {
  const root = temporaryDirectory(t);
  const store = join(root, 'store');
  const work = join(root, 'work');
  mkdirSync(work);
  // Packages are fetched once, whichever test wants them.
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  const environment = { ...process.env, TMPDIR: work, XDG_CACHE_HOME: cache };
  const image = (words: readonly string[], on?: { step: RegExp; stop: AbortController }) =>
    runCommand(
      (program, system) => {
        const { stderr } = system;
        const write = (text: string) => {
          if (on?.step.test(text) === true) on.stop.abort();
          return stderr.write(text);
        };
        const watched = { write } as NodeJS.WriteStream;
        addImage(program, { ...system, environment, stderr: watched });
      },
      ['image', ...words, '--store', store],
      on?.stop.signal,
    );
  return { root, store, work, image };
}

void suite('kgetplus image build', () => {
  void test(
    '`image build` makes an image that boots from what `image export` writes',
    { skip: missingTools(), timeout: 280_000 },
    async (t) => {
      const { root, work, image } = setUp(t);
      const built = await image(['build', TINY, '--tag', 'v1']);
      assert.equal(built.exitCode, 0, built.stderr);
      assert.match(built.stderr, /disk\n.*new image: tiny:latest tiny:v1\n/s);
      const id = built.stdout.trim();
      const again = await image(['build', TINY, '--json']);
      assert.equal(again.exitCode, 0, again.stderr);
      const { isNew, recipe, ...told } = JSON.parse(again.stdout);
      assert.deepEqual([told.id, isNew], [id, false], 'the same recipe makes the same image');
      assert.equal(recipe, readFileSync(TINY, 'utf8'));
      assert.deepEqual(readdirSync(work), []);
      const directory = join(root, 'exported');
      assert.equal((await image(['export', 'tiny:v1', '--to', directory])).exitCode, 0);
      await using guest = await bootGuest(
        { ...told, directory },
        { directory: join(root, 'guest'), job: { command: 'echo hello; exit 3' } },
      );
      assert.ok((await guest.status(/^done$/)).includes('exit 3'));
      assert.match(guest.readLog(), /hello/);
      await guest.powerDown();
    },
  );

  for (const step of [/^kernel/, /^disk\n/, /^vmlinuz/]) {
    void test(
      `\`image build\` leaves nothing when it is stopped at ${step}`,
      { skip: missingTools(), timeout: 120_000 },
      async (t) => {
        const { work, store, image } = setUp(t);
        const stop = new AbortController();
        const { exitCode, stderr } = await image(['build', TINY], { step, stop });
        assert.ok(stop.signal.aborted, stderr);
        assert.equal(exitCode, 130, stderr);
        assert.deepEqual(readdirSync(work), []);
        const snapshots = join(store, 'snapshots');
        assert.deepEqual(existsSync(snapshots) ? readdirSync(snapshots) : [], []);
      },
    );
  }

  void test('`image build` exits with 2 and points at what is wrong in the recipe', async (t) => {
    const { root, image } = setUp(t);
    const file = join(root, 'bad.yaml');
    writeFileSync(file, 'name: tiny\nfrom:\n  busybox: true\nsice: 1GiB\n');
    const { exitCode, stderr } = await image(['build', file]);
    assert.equal(exitCode, 2);
    assert.match(stderr, /bad\.yaml:4:1: /);
    const none = await image(['build', join(root, 'none.yaml')]);
    assert.equal(none.exitCode, 2);
    assert.match(none.stderr, /Cannot read recipe .*none\.yaml: ENOENT/);
    writeFileSync(file, 'name: x\narch: aarch64\nfrom:\n  busybox: true\n');
    const foreign = await image(['build', file]);
    assert.equal(foreign.exitCode, 2, foreign.stderr);
    assert.match(foreign.stderr, process.arch === 'arm64' ? / / : /Cannot build x for aarch64: /);
  });
});
