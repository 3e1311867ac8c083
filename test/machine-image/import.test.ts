import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { checkQcow2 } from '../../src/machine-image/import/check-qcow2.ts';
import { importSource } from '../../src/machine-image/import/import-source.ts';
import { openFile } from '../../src/machine-image/import/read-head.ts';
import { temporaryDirectory } from '../content/fixtures.ts';
import { drawDisk } from './sample-image.ts';

const QEMU_IMG = 'qemu-img';
/** That of qemu-img. */
const CLUSTER_BYTES = 65_536;
const TABLES = 10_000;
const isMissing = spawnSync(QEMU_IMG, ['--version']).error !== undefined;
const noQemu = { skip: isMissing ? `${QEMU_IMG} is not installed` : false };

function setUp(t: TestContext) {
  const root = temporaryDirectory(t);
  type Request = Parameters<typeof importSource>[0];
  const inspect = (disk: string, changes: Partial<Request> = {}) =>
    importSource({
      name: 'x',
      disk,
      format: undefined,
      arch: undefined,
      hostArch: 'x86_64',
      kernel: undefined,
      initramfs: undefined,
      commandLine: undefined,
      hasJobRunner: false,
      ...changes,
    });
  function file(name: string, bytes: Uint8Array | string): string {
    const path = join(root, name);
    writeFileSync(path, bytes);
    return path;
  }
  return { root, inspect, file };
}

function qemuImg(...words: readonly string[]): void {
  const { status, stderr } = spawnSync(QEMU_IMG, words, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
}

function kernelHead(magic: string, at: number): Buffer {
  const head = Buffer.alloc(1000);
  head.write(magic, at, 'latin1');
  return head;
}
const X86 = kernelHead('HdrS', 0x202);
const ARM64 = kernelHead('ARM\u0064', 0x38);

void suite('importSource of raw disks', () => {
  void test('`importSource` takes a file with a boot sector for a raw disk', async (t) => {
    const { inspect, file } = setUp(t);
    const disk = file('disk.img', drawDisk('ab'));
    const source = await inspect(disk);
    assert.equal(source.format, 'raw');
    assert.equal(source.virtualSizeBytes, 256 * 1024);
    assert.deepEqual(source.boot, { kind: 'disk' });
    assert.deepEqual(source.parts, [{ role: 'disk', path: disk }]);
  });

  void test('`importSource` throws `usage` for files that are no disks, and says what', async (t) => {
    const { inspect, file } = setUp(t);
    const others: readonly (readonly [Uint8Array | string, RegExp])[] = [
      ['', /it is empty/],
      ['a text\n', /neither a qcow2 file nor a raw disk: found 7 B/],
      [
        Buffer.alloc(4096),
        /neither the header of a qcow2 file nor a boot sector; give --format raw/,
      ],
      [Buffer.concat([Buffer.from('KDMV'), Buffer.alloc(508)]), /found a VMDK file, wanted/],
      [Buffer.concat([Buffer.from('vhdxfile'), Buffer.alloc(504)]), /found a VHDX file/],
      [Buffer.concat([Buffer.from([0x1f, 0x8b]), drawDisk('a')]), /compressed by gzip/],
      [Buffer.concat([Buffer.alloc(32_769), Buffer.from('CD001')]), /found an ISO 9660 image/],
    ];
    for (const [bytes, message] of others) {
      await assert.rejects(inspect(file('x', bytes)), { code: 'usage', message });
    }
  });

  void test('`importSource` takes any disk when the format was given', async (t) => {
    const { inspect, file } = setUp(t);
    assert.equal((await inspect(file('x', Buffer.alloc(4096)), { format: 'raw' })).format, 'raw');
    const wrong = inspect(file('x', Buffer.alloc(4096)), { format: 'qcow2' });
    await assert.rejects(wrong, { code: 'usage', message: /found no header of a qcow2 file/ });
  });

  void test('`importSource` throws `source-unreadable` for what is no file', async (t) => {
    const { root, inspect } = setUp(t);
    mkdirSync(join(root, 'd'));
    for (const path of [join(root, 'none'), join(root, 'd')]) {
      await assert.rejects(inspect(path), { code: 'source-unreadable' });
    }
  });
});

void suite('importSource of kernels', () => {
  void test('`importSource` tells the architecture by the kernel', async (t) => {
    const { inspect, file } = setUp(t);
    const disk = file('root.img', Buffer.alloc(4096));
    for (const [head, arch] of [
      [X86, 'x86_64'],
      [ARM64, 'aarch64'],
    ] as const) {
      const kernel = file('vmlinuz', head);
      const source = await inspect(disk, { kernel, commandLine: 'root=/dev/vda' });
      assert.equal(source.arch, arch);
      assert.deepEqual(source.boot, { kind: 'kernel', commandLine: 'root=/dev/vda' });
      assert.deepEqual(source.parts.at(-1), { role: 'kernel', path: kernel });
    }
  });

  void test('`importSource` throws `usage` when kernel and architecture differ', async (t) => {
    const { inspect, file } = setUp(t);
    const disk = file('root.img', Buffer.alloc(4096));
    const kernel = file('vmlinuz', ARM64);
    const wrong = inspect(disk, { kernel, commandLine: '', arch: 'x86_64' });
    const message = /for x86_64: the kernel .*vmlinuz is one for aarch64/;
    await assert.rejects(wrong, { code: 'usage', message });
  });

  void test('`importSource` throws `usage` when the parts do not fit together', async (t) => {
    const { inspect, file } = setUp(t);
    const disk = file('root.img', drawDisk('a'));
    const [kernel, other] = [file('vmlinuz', X86), file('other', 'x')];
    const cases = [
      [{ kernel }, /a kernel without its command line/],
      [{ initramfs: other }, /an initramfs without a kernel/],
      [{ commandLine: 'x' }, /a command line without a kernel/],
      [{ kernel: other, commandLine: 'x' }, /no header of a Linux kernel/],
    ] as const;
    for (const [changes, message] of cases) {
      await assert.rejects(inspect(disk, changes), { code: 'usage', message });
    }
  });
});

/** A qcow2 file with 3 MiB of data in a disk of 64 MiB. */
function qcow2(root: string, ...options: readonly string[]): string {
  const raw = join(root, 'raw');
  writeFileSync(raw, Buffer.alloc(3 * 1024 * 1024, 'some data'));
  truncateSync(raw, 64 * 1024 * 1024);
  const path = join(root, 'disk.qcow2');
  qemuImg('convert', '-f', 'raw', '-O', 'qcow2', ...options, raw, path);
  return path;
}

void suite('importSource of qcow2 files', noQemu, () => {
  const KINDS = [
    [],
    ['-c'],
    ['-o', 'cluster_size=4k'],
    ['-o', 'compat=0.10'],
    ['-o', 'extended_l2=on,cluster_size=64k'],
  ];
  for (const options of KINDS) {
    const what = ['qemu-img convert', ...options].join(' ');
    void test(`\`importSource\` accepts what ${what} makes, unless it is cut off`, async (t) => {
      const { root, inspect } = setUp(t);
      const path = qcow2(root, ...options);
      const source = await inspect(path);
      assert.equal(source.format, 'qcow2');
      assert.equal(source.virtualSizeBytes, 64 * 1024 * 1024);
      const { size } = statSync(path);
      const cuts = [0.9, 0.5, 0.1].map((share) => Math.floor(size * share));
      for (const left of options.includes('-c') ? [0.5, 0.1].map((it) => size * it) : cuts) {
        truncateSync(path, Math.floor(left));
        await assert.rejects(inspect(path), { code: 'corrupt', message: /it is cut off/ });
      }
      truncateSync(path, 50);
      await assert.rejects(inspect(path), { code: 'corrupt', message: /its header/ });
    });
  }

  void test('`importSource` accepts empty qcow2 files of many sizes', async (t) => {
    const { root, inspect } = setUp(t);
    for (const size of ['512', '1M', '100G', '63T']) {
      const path = join(root, 'empty.qcow2');
      qemuImg('create', '-f', 'qcow2', path, size);
      assert.equal((await inspect(path)).format, 'qcow2', size);
    }
  });

  void test('`importSource` throws `usage` for one that needs others or a key', async (t) => {
    const { root, inspect, file } = setUp(t);
    const base = file('base.img', Buffer.alloc(1024 * 1024));
    const path = join(root, 'x.qcow2');
    qemuImg('create', '-f', 'qcow2', '-b', base, '-F', 'raw', path);
    await assert.rejects(inspect(path), { code: 'usage', message: /needs its backing file/ });
    const data = join(root, 'data');
    qemuImg('create', '-f', 'qcow2', '-o', `data_file=${data}`, path, '1M');
    await assert.rejects(inspect(path), { code: 'usage', message: /data is in another file/ });
    qemuImg('create', '-f', 'qcow2', path, '1M');
    const bytes = readFileSync(path);
    bytes.writeUInt32BE(2, 32);
    await assert.rejects(inspect(file('key', bytes)), { code: 'usage', message: /encrypted/ });
  });

  void test('`importSource` throws `corrupt` for more tables than the file has room for', async (t) => {
    const { root, inspect, file } = setUp(t);
    const bytes = readFileSync(qcow2(root));
    const l1 = Number(bytes.readBigUInt64BE(40));
    const longer = Buffer.concat([bytes, Buffer.alloc(8 * 10_000)]);
    longer.writeUInt32BE(10_000, 36);
    longer.writeBigUInt64BE(BigInt(bytes.length), 40);
    for (let at = 0; at < 10_000; at += 1) {
      longer.writeBigUInt64BE(bytes.readBigUInt64BE(l1), bytes.length + 8 * at);
    }
    const message = /found 10000 tables in/;
    await assert.rejects(inspect(file('many', longer)), { code: 'corrupt', message });
  });

  void test('`checkQcow2` reads a table once when it is named many times', async (t) => {
    const { root } = setUp(t);
    const path = qcow2(root);
    const bytes = readFileSync(path);
    const entry = bytes.readBigUInt64BE(Number(bytes.readBigUInt64BE(40)));
    const l1 = Buffer.alloc(8 * TABLES);
    for (let at = 0; at < l1.length; at += 8) l1.writeBigUInt64BE(entry, at);
    bytes.writeUInt32BE(TABLES, 36);
    bytes.writeBigUInt64BE(BigInt(bytes.length), 40);
    writeFileSync(path, Buffer.concat([bytes, l1]));
    // So large that there is room for all of them.
    truncateSync(path, TABLES * CLUSTER_BYTES);
    using opened = openFile(path);
    const reads: number[] = [];
    const read = (offset: number, length: number): Buffer => {
      reads.push(offset);
      return opened.read(offset, length);
    };
    const { sizeBytes } = opened;
    const file = { path, sizeBytes, read, [Symbol.dispose]: () => {} };
    assert.equal(await checkQcow2(file), 64 * 1024 * 1024);
    assert.deepEqual(reads.slice(1), [bytes.length, Number(entry & 0x00fffffffffffe00n)]);
  });

  void test('`importSource` throws `corrupt` when a table is not at a cluster', async (t) => {
    const { root, inspect, file } = setUp(t);
    const bytes = readFileSync(qcow2(root));
    const l1 = Number(bytes.readBigUInt64BE(40));
    bytes.writeBigUInt64BE(bytes.readBigUInt64BE(l1) + 512n, l1);
    const message = /found a table at byte/;
    await assert.rejects(inspect(file('between', bytes)), { code: 'corrupt', message });
  });

  void test('`importSource` throws `corrupt` or `usage` for damaged headers', async (t) => {
    const { root, inspect, file } = setUp(t);
    const good = readFileSync(qcow2(root));
    const damages: readonly (readonly [number, number, string])[] = [
      [4, 9, 'usage'],
      [20, 40, 'corrupt'],
      [24, 0xffffffff, 'corrupt'],
      [36, 0x7fffffff, 'corrupt'],
      [40, 0x00ffffff, 'corrupt'],
      [76, 2, 'corrupt'],
    ];
    for (const [at, word, code] of damages) {
      const bytes = Buffer.from(good);
      bytes.writeUInt32BE(word, at);
      await assert.rejects(inspect(file('bad', bytes)), { code }, `word at ${at}`);
    }
  });
});
