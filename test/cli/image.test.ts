import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { addImage, type ImageHooks } from '../../src/cli/image.ts';
import { addLs } from '../../src/cli/ls.ts';
import { addPrune } from '../../src/cli/prune.ts';
import { addRestore } from '../../src/cli/restore.ts';
import { addImport } from '../../src/cli/import.ts';
import { addVerify } from '../../src/cli/verify.ts';
import { storePlace } from '../../src/store/store-place.ts';
import { temporaryDirectory } from '../content/fixtures.ts';
import { drawDisk } from '../machine-image/sample-image.ts';
import { runCommand } from '../restore/command.ts';
import { noSmallDisk } from './small-disk.ts';

const MOUNT = 'mount';
const UMOUNT = 'umount';

function setUp(t: TestContext, hooks?: ImageHooks) {
  const root = temporaryDirectory(t);
  const store = join(root, 'store');
  type Add = Parameters<typeof runCommand>[0];
  const run = (add: Add, words: readonly string[], interrupt?: AbortSignal) =>
    runCommand(add, [...words, '--store', store], interrupt);
  const image = (words: readonly string[], interrupt?: AbortSignal) =>
    run((program, system) => addImage(program, system, hooks), ['image', ...words], interrupt);
  /** Runs a command that has to succeed; what it prints. */
  async function good(add: Add | 'image', words: readonly string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await (add === 'image' ? image(words) : run(add, words));
    assert.equal(exitCode, 0, stderr);
    return stdout;
  }
  function file(name: string, bytes: Uint8Array): string {
    writeFileSync(join(root, name), bytes);
    return join(root, name);
  }
  return { root, store, place: storePlace(store), image, good, run, file };
}

type Site = ReturnType<typeof setUp>;

/** Files of an image that boots with a kernel, and the words that import it. */
function kernelFiles({ file }: Pick<Site, 'file'>) {
  const kernel = Buffer.from(randomBytes(300_000));
  kernel.write('HdrS', 0x202);
  const parts = {
    'disk.img': drawDisk('ab.c'),
    vmlinuz: kernel,
    initramfs: Buffer.from(randomBytes(150_001)),
  };
  const disk = file('root.img', parts['disk.img']);
  const boot = ['--kernel', file('k', parts.vmlinuz), '--initramfs', file('i', parts.initramfs)];
  const others = ['--command-line', 'root=/dev/vda console=ttyS0', '--job-runner'];
  const words = ['import', disk, '--name', 'worker:v1', ...boot, ...others];
  return { parts, words };
}

/** A file system of this size, until it is disposed of. */
function mountSmall(path: string, size: string): Disposable {
  mkdirSync(path);
  const words = ['-t', 'tmpfs', '-o', `size=${size}`, 'kgetplus-test', path];
  assert.equal(spawnSync(MOUNT, words).status, 0);
  return { [Symbol.dispose]: () => spawnSync(UMOUNT, ['--lazy', path]) };
}

void suite('kgetplus image', () => {
  void test('`image import` prints the id, the same one when it is imported again', async (t) => {
    const { image, good, file } = setUp(t);
    const disk = file('debian-12.img', drawDisk('abc'));
    const first = await image(['import', disk]);
    assert.match(first.stdout, /^[0-9a-f]{64}\n$/);
    assert.match(first.stderr, /new image: debian-12:latest/);
    const again = await image(['import', disk, '--name', 'x:1', '--tag', '2', '--tag', 'y:3']);
    assert.equal(again.stdout, first.stdout);
    assert.match(again.stderr, /the store had it already/);
    const listing = JSON.parse(await good('image', ['ls', '--json']));
    assert.equal(listing.schema, 'kgetplus.images/1');
    assert.equal(listing.images.length, 1);
    assert.equal(`${listing.images[0].id}\n`, first.stdout);
    assert.deepEqual(listing.images[0].tags, ['debian-12:latest', 'x:1', 'x:2', 'y:3']);
  });

  void test('`image export` writes what was imported, byte for byte', async (t) => {
    const site = setUp(t);
    const { root, good } = site;
    const { parts, words } = kernelFiles(site);
    const id = (await good('image', words)).trim();
    const to = join(root, 'out');
    const printed = await good('image', ['export', 'worker:v1', '--to', to]);
    assert.deepEqual(readdirSync(to).toSorted(), [
      'disk.img',
      'image.json',
      'initramfs',
      'vmlinuz',
    ]);
    assert.equal(printed.trim().split('\n').length, 4);
    for (const [name, bytes] of Object.entries(parts)) {
      assert.ok(readFileSync(join(to, name)).equals(bytes), name);
    }
    assert.equal(JSON.parse(readFileSync(join(to, 'image.json'), 'utf8')).id, id);
    const again = await site.image(['export', id.slice(0, 8), '--to', to]);
    assert.equal(again.exitCode, 0, 'the same files are no obstacle');
    const disk = join(root, 'one.img');
    const one = await site.image(['export', 'worker:v1', '--to', disk]);
    assert.match(one.stderr, /only the disk was written/);
    assert.ok(readFileSync(disk).equals(parts['disk.img']));
  });

  void test('`image import` of an exported directory makes the same image elsewhere', async (t) => {
    const site = setUp(t);
    const { root, good } = site;
    const id = (await good('image', kernelFiles(site).words)).trim();
    const from = join(root, 'out');
    await good('image', ['export', 'worker:v1', '--to', from]);
    const other = setUp(t);
    assert.equal((await other.good('image', ['import', from])).trim(), id);
    assert.match(await other.good('image', ['show', 'worker:latest']), /Job runner +yes/);
    const refused = await other.image(['import', from, '--arch', 'aarch64']);
    assert.equal(refused.exitCode, 2);
    writeFileSync(join(from, 'initramfs'), 'another one');
    const changed = await other.image(['import', from, '--name', 'changed']);
    assert.equal(changed.exitCode, 5);
    assert.match(changed.stderr, /one of them was changed or damaged/);
    assert.match(await other.good('image', ['ls']), /^(.*\n)(.* worker:latest\n)$/);
    assert.equal((await other.image(['import', root])).exitCode, 4);
  });

  void test('`image export` replaces another image only with --force', async (t) => {
    const { root, image, good, file } = setUp(t);
    await good('image', ['import', file('one.img', drawDisk('abc'))]);
    await good('image', ['import', file('two.img', drawDisk('abd'))]);
    const to = join(root, 'out');
    await good('image', ['export', 'one', '--to', to]);
    const refused = await image(['export', 'two', '--to', to]);
    assert.equal(refused.exitCode, 2);
    assert.match(refused.stderr, /image.json is of another image/);
    assert.ok(readFileSync(join(to, 'disk.img')).equals(drawDisk('abc')));
    await good('image', ['export', 'two', '--to', to, '--force']);
    assert.ok(readFileSync(join(to, 'disk.img')).equals(drawDisk('abd')));
    const wrong = await image(['export', 'two', '--to', join(root, 'x.qcow2')]);
    assert.equal(wrong.exitCode, 2);
    assert.match(wrong.stderr, /its disk is a raw file; call it \*\.img/);
    assert.equal(existsSync(join(root, 'x.qcow2')), false);
  });

  void test('`image show` tells parts, tags and how it boots', async (t) => {
    const site = setUp(t);
    const { words } = kernelFiles(site);
    const id = (await site.good('image', words)).trim();
    const text = await site.good('image', ['show', 'worker:v1']);
    assert.match(text, new RegExp(`Image +worker ${id}`));
    assert.match(text, /Boots from +kernel, with: root=\/dev\/vda console=ttyS0/);
    assert.match(text, /initramfs +146 KiB, [0-9a-f]{64}/);
    assert.equal(JSON.parse(await site.good('image', ['show', id, '--json'])).id, id);
    const missing = await site.image(['show', 'worker']);
    assert.equal(missing.exitCode, 0, 'it is the only one that was made as worker');
    const none = await site.image(['show', 'wrker']);
    assert.equal(none.exitCode, 4);
    assert.match(none.stderr, /Cannot find image "wrker" .*: found worker:v1/);
  });

  void test('`image tag` and `image rm` change names and remove images', async (t) => {
    const { image, good, file, place } = setUp(t);
    const id = (await good('image', ['import', file('one.img', drawDisk('abc'))])).trim();
    await good('image', ['tag', 'one', 'stable:1']);
    assert.match(await good('image', ['ls']), /one:latest stable:1\n$/);
    const refused = await image(['rm', 'one']);
    assert.equal(refused.exitCode, 2);
    assert.match(refused.stderr, /it is called one:latest, stable:1; take the tag away with --tag/);
    await good('image', ['rm', 'one', '--tag-only']);
    assert.match(await good('image', ['ls']), / stable:1\n$/);
    assert.equal(await good('image', ['rm', 'stable:1']), `${id}\n`);
    assert.match(await good('image', ['ls']), /^No image in /);
    assert.equal(globSync('*/*.cacnk', { cwd: place.chunks }).length, 3);
    await good(addPrune, ['prune', '--grace', '0']);
    await good(addPrune, ['prune', '--grace', '0']);
    assert.equal(globSync('*/*.cacnk', { cwd: place.chunks }).length, 0);
  });

  void test('`image rm` refuses an image that a job uses, unless forced', async (t) => {
    const used: string[] = [];
    const { image, good, file, place } = setUp(t, {
      inUse(of, id) {
        assert.equal(of.directory, place.directory);
        return used.includes(id) ? 'job 17' : undefined;
      },
    });
    used.push((await good('image', ['import', file('one.img', drawDisk('abc'))])).trim());
    const refused = await image(['rm', 'one']);
    assert.equal(refused.exitCode, 2);
    assert.match(refused.stderr, /job 17 uses it/);
    await good('image', ['rm', 'one', '--force']);
  });

  void test('`image verify` is content with whole images, and names damage', async (t) => {
    const { image, good, file, place } = setUp(t);
    await good('image', ['import', file('one.img', drawDisk('abc'))]);
    await good('image', ['import', file('two.img', drawDisk('xyz'))]);
    assert.match(await good('image', ['verify']), /Read 6 of 6 chunks, .*\nAll is good: 2 images/);
    const [chunk = ''] = globSync('*/*.cacnk', { cwd: place.chunks });
    const path = join(place.chunks, chunk);
    writeFileSync(path, readFileSync(path).subarray(0, -3));
    const { exitCode, stdout } = await image(['verify']);
    assert.equal(exitCode, 5);
    assert.match(stdout, /\n {2}hurts \S+\/image\/disk\.img\n/);
    assert.match(stdout, /Bad chunks: 1; other faults: 0\./);
    const each = await Promise.all(['one', 'two'].map((name) => image(['verify', name])));
    assert.deepEqual(new Set(each.map((it) => it.exitCode)), new Set([0, 5]));
    // Importing the same again puts a good chunk in its place.
    await good('image', ['import', file('one.img', drawDisk('abc'))]);
    await good('image', ['import', file('two.img', drawDisk('xyz'))]);
    await good('image', ['verify']);
  });

  void test('`image verify` names an index that is another one than the image means', async (t) => {
    const { image, good, file, place } = setUp(t);
    await good('image', ['import', file('one.img', drawDisk('abc'))]);
    await good('image', ['import', file('two.img', drawDisk('xyz'))]);
    const [one = '', two = ''] = globSync('*/image/*.caibx', { cwd: place.snapshots }).toSorted();
    writeFileSync(join(place.snapshots, one), readFileSync(join(place.snapshots, two)));
    const { exitCode, stdout } = await image(['verify']);
    assert.equal(exitCode, 5);
    assert.match(stdout, /its index .* is of 393216 B with digest [0-9a-f]{64}, the image's man/);
    const to = join(place.directory, '..', 'out');
    const codes: number[] = [];
    for (const name of ['one', 'two']) {
      codes.push((await image(['export', name, '--to', join(to, name)])).exitCode);
    }
    assert.deepEqual(new Set(codes), new Set([0, 5]));
  });

  void test('`image import` exits with 2, 4 or 5 for files that are no images', async (t) => {
    const { image, place, root, file } = setUp(t);
    const qcow2 = Buffer.alloc(4096);
    qcow2.writeUInt32BE(0x514649fb, 0);
    for (const [path, code, message] of [
      [join(root, 'none'), 4, /ENOENT/],
      [file('x', Buffer.from('text')), 2, /neither a qcow2 file nor a raw disk/],
      [file('cut.qcow2', qcow2.subarray(0, 60)), 5, /beyond its end at 60 B: it is cut off/],
      [file('bad.qcow2', qcow2), 2, /version 0, wanted 2 or 3/],
    ] as const) {
      const { exitCode, stderr, stdout } = await image(['import', path, '--name', 'x']);
      assert.equal(exitCode, code, stderr);
      assert.match(stderr, message);
      assert.equal(stdout, '');
    }
    assert.equal(existsSync(place.snapshots), false);
  });

  void test('`image import` leaves nothing when it is stopped, and says how to go on', async (t) => {
    const { image, place, file } = setUp(t);
    const words = ['import', file('one.img', drawDisk('abc'))];
    const { exitCode, stderr } = await image(words, AbortSignal.abort());
    assert.equal(exitCode, 130);
    assert.match(stderr, /found again by kgetplus image import \S+one\.img/);
    assert.deepEqual(readdirSync(place.snapshots), []);
  });

  void test(
    '`image import` exits with 4 when the disk is full',
    { skip: noSmallDisk() },
    async (t) => {
      const { place, image, good, file } = setUp(t);
      using _small = mountSmall(place.directory, '2m');
      const ballast = join(place.directory, 'ballast');
      writeFileSync(ballast, Buffer.alloc(1024 * 1024));
      await good('image', ['import', file('small.img', drawDisk('ab'))]);
      const words = [
        'import',
        file('big.img', Buffer.concat([drawDisk('a'), randomBytes(1 << 20)])),
      ];
      const { exitCode, stderr } = await image(words);
      assert.equal(exitCode, 4);
      assert.match(stderr, /Cannot store image big: .* free on /);
      assert.equal(readdirSync(place.snapshots).length, 1);
      rmSync(ballast);
      await good('image', ['verify', 'small']);
      await good('image', words);
      await good('image', ['verify']);
    },
  );
});

void suite('images beside snapshots', () => {
  void test('`prune` keeps images, also one that is being stored', async (t) => {
    const { good, image, file, place } = setUp(t);
    for (const letters of ['abc', 'mno', 'xyz']) {
      await good('image', ['import', file(`${letters}.img`, drawDisk(letters))]);
    }
    await good(addImport, ['import', file('gathered.img', drawDisk('a')), '--node', 'n1']);
    // As a process leaves it that is killed right before the image gets its name.
    const [first = ''] = globSync('*/image.json', { cwd: place.snapshots }).map(dirname);
    const hidden = join(place.snapshots, '.1-1-aa.kgetplus-new');
    renameSync(join(place.snapshots, first), hidden);
    const text = await good(addPrune, ['prune', '--keep-last', '1', '--grace', '0']);
    assert.match(text, /keep {4}\S+\/image\/disk\.img \(last, tagged image\)/);
    assert.match(text, /keep {4}\S+\/image\/disk\.img \(tagged image\)/);
    await good(addPrune, ['prune', '--keep-last', '1', '--grace', '0']);
    renameSync(hidden, join(place.snapshots, first));
    assert.equal((await image(['verify'])).exitCode, 0);
  });

  void test('`ls`, `verify` and `restore` take the parts of images for snapshots', async (t) => {
    const { good, file, root, place } = setUp(t);
    await good('image', ['import', file('one.img', drawDisk('abc')), '--name', 'tiny']);
    await good(addImport, ['import', file('n.img', drawDisk('abc')), '--node', 'n1']);
    assert.match(await good(addLs, ['ls']), /\n +image +disk\.img +384 KiB /);
    assert.equal(globSync('*/*.cacnk', { cwd: place.chunks }).length, 3, 'chunks are shared');
    assert.match(await good(addVerify, ['verify']), /for 2 snapshots\.\nAll is good\./);
    const to = join(root, 'restored');
    await good(addRestore, ['restore', 'latest/image/disk.img', '--to', to]);
    assert.ok(readFileSync(to).equals(drawDisk('abc')));
    assert.equal(statSync(to).size, 3 * 128 * 1024);
  });
});

void test('`image` works in a store that cannot be made, with a clear error', async (t) => {
  const { image, store, file } = setUp(t);
  writeFileSync(store, 'a file');
  const { exitCode, stderr } = await image(['import', file('one.img', drawDisk('a'))]);
  assert.equal(exitCode, 4);
  assert.match(stderr, /Cannot store image one in .*ENOTDIR/);
  const listed = await image(['ls']);
  assert.notEqual(listed.exitCode, 0);
});
