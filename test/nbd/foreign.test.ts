import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import type { NbdAddress } from '../../src/nbd/listen.ts';
import { createAuthority } from '../../src/transfer/identity.ts';
import { peerName } from '../../src/transfer/peer-name.ts';
import { memoryDisk, memoryExports, sampleBytes } from './memory-disk.ts';
import { startServer, temporaryDirectory, type TestServer } from './server.ts';

const run = promisify(execFile);

/** Not a multiple of anything: the last block is short. */
const SIZE = 12 * 1024 * 1024 + 4608;
const BLOCK = 65_536;
const NAME = 'node01/disk.qcow2';

function missing(program: string): string | false {
  const isThere = spawnSync(program, ['--version']).error === undefined;
  return isThere ? false : `${program} is not installed`;
}

const noLibnbd = missing('nbdinfo') || missing('nbdcopy');
const noQemu = missing('qemu-img');

const TCP: NbdAddress = { kind: 'tcp', host: '127.0.0.1', port: 0 };

async function server(t: TestContext, kind: 'unix' | 'tcp'): Promise<TestServer> {
  const exports = memoryExports({ [NAME]: () => memoryDisk(sampleBytes(SIZE), BLOCK) });
  return startServer(t, exports, kind === 'tcp' ? { listen: TCP } : {});
}

function uri({ address }: TestServer, scheme = 'nbd', query = ''): string {
  if (address.kind === 'tcp') {
    return `${scheme}://${address.host}:${address.port}/${NAME}${query && `?${query}`}`;
  }
  return `${scheme}+unix:///${NAME}?socket=${address.path}${query && `&${query}`}`;
}

async function output(program: string, args: readonly string[]): Promise<string> {
  return (await run(program, args, { timeout: 30_000 })).stdout;
}

for (const kind of ['unix', 'tcp'] as const) {
  void suite(`libnbd over ${kind}`, { skip: noLibnbd }, () => {
    void test('nbdinfo finds what is served', async (t) => {
      const it = await server(t, kind);
      const { exports } = JSON.parse(await output('nbdinfo', ['--json', uri(it)])) as {
        exports: Record<string, unknown>[];
      };
      const wanted = {
        'export-name': NAME,
        'export-size': SIZE,
        contexts: ['base:allocation'],
        is_read_only: true,
        can_df: true,
        can_multi_conn: true,
        can_flush: false,
        block_size_preferred: BLOCK,
        block_size_maximum: 32 * 1024 * 1024,
      };
      assert.partialDeepStrictEqual(exports, [wanted]);
    });

    void test('nbdinfo maps data and holes', async (t) => {
      const it = await server(t, kind);
      const map = JSON.parse(await output('nbdinfo', ['--map', '--json', uri(it)])) as {
        offset: number;
        length: number;
        type: number;
      }[];
      assert.deepEqual(
        map.slice(0, 4).map(({ offset, length, type }) => [offset, length, type]),
        [
          [0, BLOCK, 0],
          [BLOCK, BLOCK, 3],
          [2 * BLOCK, 2 * BLOCK, 0],
          [4 * BLOCK, BLOCK, 3],
        ],
      );
      assert.equal(
        map.reduce((sum, { length }) => sum + length, 0),
        SIZE,
      );
    });

    for (const options of [
      [],
      ['--connections=4', '--request-size=65536'],
      ['--request-size=8388608'],
      ['--synchronous'],
    ]) {
      void test(`nbdcopy ${options.join(' ')} copies the disk`, async (t) => {
        const it = await server(t, kind);
        const copy = join(temporaryDirectory(t), 'copy');
        await output('nbdcopy', [...options, uri(it), copy]);
        assert.ok(readFileSync(copy).equals(sampleBytes(SIZE)));
        assert.deepEqual(it.notices, []);
      });
    }
  });

  void suite(`qemu-img over ${kind}`, { skip: noQemu }, () => {
    void test('qemu-img converts the disk, and finds the copy to be the same', async (t) => {
      const it = await server(t, kind);
      const copy = join(temporaryDirectory(t), 'copy');
      await output('qemu-img', ['convert', '-f', 'raw', '-O', 'raw', uri(it), copy]);
      assert.ok(readFileSync(copy).subarray(0, SIZE).equals(sampleBytes(SIZE)));
      assert.match(
        await output('qemu-img', ['compare', '-f', 'raw', '-F', 'raw', uri(it), copy]),
        /identical/,
      );
      assert.deepEqual(it.notices, []);
    });

    void test('qemu-img maps data and holes', async (t) => {
      const it = await server(t, kind);
      const args = ['map', '--output=json', '-f', 'raw', uri(it)];
      const map = JSON.parse(await output('qemu-img', args)) as Record<string, unknown>[];
      assert.partialDeepStrictEqual(map.slice(0, 3), [
        { start: 0, length: BLOCK, zero: false, data: true },
        { start: BLOCK, length: BLOCK, zero: true, data: false },
        { start: 2 * BLOCK, length: 2 * BLOCK, zero: false, data: true },
      ]);
    });

    void test('an overlay of qemu-img takes what is written, the disk stays', async (t) => {
      const it = await server(t, kind);
      const overlay = join(temporaryDirectory(t), 'overlay.qcow2');
      const args = ['create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', uri(it), overlay];
      await output('qemu-img', args);
      const compare = ['compare', '-f', 'qcow2', '-F', 'raw', overlay, uri(it)];
      assert.match(await output('qemu-img', compare), /identical/);
    });
  });
}

void suite('several programs at once', { skip: noLibnbd || noQemu }, () => {
  void test('nbdcopy and qemu-img read the same disk', async (t) => {
    const it = await server(t, 'unix');
    const directory = temporaryDirectory(t);
    const copies = [0, 1, 2, 3].map((index) => join(directory, `copy${index}`));
    await Promise.all(
      copies.map((copy, index) =>
        index % 2 === 0
          ? output('nbdcopy', [uri(it), copy])
          : output('qemu-img', ['convert', '-f', 'raw', '-O', 'raw', uri(it), copy]),
      ),
    );
    for (const copy of copies) {
      assert.ok(readFileSync(copy).subarray(0, SIZE).equals(sampleBytes(SIZE)));
    }
  });
});

/** A server that insists on TLS, and a folder with certificates for the programs. */
async function secured(t: TestContext): Promise<{ it: TestServer; directory: string }> {
  const authority = await createAuthority(new Date());
  const { certificate, key, authority: trusted } = await authority.issue('server');
  const exports = memoryExports({ [NAME]: () => memoryDisk(sampleBytes(SIZE), BLOCK) });
  const tls = { certificate, key, authority: trusted, required: true };
  const it = await startServer(t, exports, { tls });
  const directory = temporaryDirectory(t);
  const client = await authority.issue('client');
  writeFileSync(join(directory, 'ca-cert.pem'), client.authority);
  writeFileSync(join(directory, 'client-cert.pem'), client.certificate);
  writeFileSync(join(directory, 'client-key.pem'), client.key);
  return { it, directory };
}

void suite('TLS', () => {
  const PASSED_ON = { timeout: 30_000 };

  void test('nbdcopy copies the disk over TLS', { skip: noLibnbd }, async (t) => {
    const { it, directory } = await secured(t);
    const copy = join(directory, 'copy');
    await output('nbdcopy', [uri(it, 'nbds', `tls-certificates=${directory}`), copy]);
    assert.ok(readFileSync(copy).equals(sampleBytes(SIZE)));
    await assert.rejects(run('nbdcopy', [uri(it), copy], PASSED_ON));
  });

  void test('qemu-img converts the disk over TLS', { skip: noQemu }, async (t) => {
    const { it, directory } = await secured(t);
    assert.ok(it.address.kind === 'unix');
    const copy = join(directory, 'copy');
    const credentials = `tls-creds-x509,id=tls0,endpoint=client,dir=${directory}`;
    const source = `driver=nbd,server.type=unix,server.path=${it.address.path},export=${NAME}`;
    const secure = `${source},tls-creds=tls0,tls-hostname=${peerName('server')}`;
    const convert = ['convert', '--object', credentials, '--image-opts', '-O', 'raw'];
    await output('qemu-img', [...convert, secure, copy]);
    assert.ok(readFileSync(copy).subarray(0, SIZE).equals(sampleBytes(SIZE)));
    await assert.rejects(run('qemu-img', [...convert, source, copy], PASSED_ON), /TLS/);
  });
});
