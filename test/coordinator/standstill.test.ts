import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { whatIsAwaited } from '../../src/coordinator/standstill.ts';
import { DIGEST, IMAGE_BYTES } from './cluster.ts';
import { stubRun, type StubRun } from './stub-run.ts';

/** A run of two nodes, of which `a` has named its image. */
function begunRun(): StubRun {
  const stub = stubRun({ nodes: ['a', 'b'] });
  stub.begin();
  stub.join('a');
  stub.join('b');
  stub.list('a', '/vm/disk');
  stub.list('b');
  return stub;
}

function scan({ says }: StubRun): void {
  const sketch = { chunks: 0, hashes: [] };
  says('a', {
    type: 'scanned',
    path: '/vm/disk',
    dataBytes: IMAGE_BYTES,
    imageDigest: DIGEST,
    sketch,
  });
}

const waits = ({ run }: StubRun): string[] =>
  whatIsAwaited(run).map(({ node, path, what }) => `${node}:${path} ${what}`);

void suite('whatIsAwaited', () => {
  void test('`whatIsAwaited` names a scan and how far it has come', () => {
    const stub = begunRun();
    stub.says('a', { type: 'scanning', path: '/vm/disk', scannedBytes: 512 });
    assert.deepEqual(waits(stub), ['a:/vm/disk its scan on a: 512 B of 0.98 KiB so far']);
  });

  void test('`whatIsAwaited` names a transfer and how far it has come, or who is to sync', () => {
    const stub = begunRun();
    scan(stub);
    const transfer = stub.pull('a', 'a', 'b');
    stub.says('b', { type: 'receiving', transfer, wireBytes: 1, doneBytes: 100 });
    assert.deepEqual(waits(stub), [
      'a:/vm/disk its transfer from a to b: 100 B of 0.98 KiB so far',
    ]);
    stub.says('b', { type: 'arrived', transfer, wireBytes: IMAGE_BYTES });
    assert.deepEqual(waits(stub), ['a:/vm/disk b to make it durable']);
  });

  void test('`whatIsAwaited` names who holds an image that nothing moves', () => {
    const stub = begunRun();
    scan(stub);
    assert.deepEqual(waits(stub), [
      'a:/vm/disk a way from a to this host: no transfer of it can start',
    ]);
    stub.settle('b', stub.pull('a', 'a', 'b'));
    assert.match(waits(stub)[0] ?? '', /a way from b to this host/);
  });

  void test('`whatIsAwaited` says so when nobody holds an image', () => {
    const stub = begunRun();
    scan(stub);
    for (const image of stub.run.facts.images.values()) image.route.length = 0;
    assert.match(waits(stub)[0] ?? '', /a copy: no node that takes part is known to hold one/);
  });

  void test('`whatIsAwaited` is nothing when every image is safe or given up', () => {
    const stub = begunRun();
    for (const image of stub.run.facts.images.values()) image.state = 'missing';
    assert.deepEqual(waits(stub), []);
  });
});
