import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { readLeases, takeLease } from '../../src/store/lease.ts';
import { type StorePlace, storePlace } from '../../src/store/store-place.ts';
import { temporaryDirectory } from '../content/fixtures.ts';

function writeLease(place: StorePlace, name: string, lines: readonly string[]): void {
  mkdirSync(place.leases, { recursive: true });
  writeFileSync(join(place.leases, name), lines.join('\n'));
}

void suite('leases', () => {
  void test('`readLeases` tells who uses a store, and for what, until it is given back', (t) => {
    const place = storePlace(temporaryDirectory(t));
    assert.deepEqual(readLeases(place), []);
    const before = Date.now();
    const lease = takeLease(place, 'gather');
    const other = takeLease(place, 'serve');
    const found = readLeases(place);
    assert.deepEqual(found.map(({ kind }) => kind).toSorted(), ['gather', 'serve']);
    assert.ok(found.every(({ isAlive, pid }) => isAlive && pid === process.pid));
    assert.ok(found.every(({ takenAtMs }) => takenAtMs >= before && takenAtMs <= Date.now()));
    lease.release();
    lease.release();
    assert.deepEqual(
      readLeases(place).map(({ name }) => name),
      [other.name],
    );
    other.release();
  });

  void test('a lease of a process that is gone is not alive', (t) => {
    const place = storePlace(temporaryDirectory(t));
    const { pid } = spawnSync('true');
    writeLease(place, `1000-${pid}-abc`, ['gather', hostname(), `${pid} 1`, '']);
    assert.deepEqual(
      readLeases(place).map(({ isAlive, takenAtMs }) => [isAlive, takenAtMs]),
      [[false, 1000]],
    );
  });

  void test('a lease of a process whose id is used again is not alive', (t) => {
    const place = storePlace(temporaryDirectory(t));
    writeLease(place, `1000-${process.pid}-abc`, ['gather', hostname(), `${process.pid} 1`, '']);
    assert.deepEqual(
      readLeases(place).map(({ isAlive }) => isAlive),
      [false],
    );
  });

  void test('a lease of another host is alive as far as anybody knows', (t) => {
    const place = storePlace(temporaryDirectory(t));
    writeLease(place, '1000-1-abc', ['gather', 'elsewhere', '1 1', '']);
    assert.deepEqual(
      readLeases(place).map(({ isAlive, host }) => [isAlive, host]),
      [[true, 'elsewhere']],
    );
  });

  void test('a lease that has lost its bytes with the power is not alive', (t) => {
    const place = storePlace(temporaryDirectory(t));
    writeLease(place, `1000-${process.pid}-abc`, []);
    assert.deepEqual(
      readLeases(place).map(({ isAlive }) => isAlive),
      [false],
    );
  });

  void test('`takeLease` leaves nothing but the lease behind', (t) => {
    const place = storePlace(temporaryDirectory(t));
    const { name } = takeLease(place, 'gather');
    assert.deepEqual(readdirSync(place.leases), [name]);
  });

  void test('what is no lease is passed over', (t) => {
    const place = storePlace(temporaryDirectory(t));
    writeLease(place, 'notes.txt', ['?']);
    assert.deepEqual(readLeases(place), []);
  });
});
