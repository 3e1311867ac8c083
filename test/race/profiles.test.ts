import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseImageSpec } from '../../lab/images.ts';
import { dealRacks } from '../../lab/racks.ts';
import { rateBytesPerSecond } from '../../lab/shaping.ts';
import { CONTENDERS } from '../../race/contenders.ts';
import { logNormalSizes, PROFILES } from '../../race/profiles.ts';

const MiB = 1024 * 1024;

void test('every profile describes a lab that can be made, and contenders that there are', () => {
  const names = new Set(CONTENDERS.map((contender) => contender.name));
  for (const { nodes, rate, slow, racks, image, without } of Object.values(PROFILES)) {
    parseImageSpec(image);
    for (const each of [rate, slow?.rate ?? rate]) rateBytesPerSecond(each);
    assert.ok((slow?.nodes ?? 0) < nodes);
    if (racks)
      assert.equal(dealRacks(Array.from({ length: nodes }, String), racks).length, racks.count);
    assert.deepEqual(
      without.filter((name) => !names.has(name)),
      [],
    );
  }
});

void test('`logNormalSizes` has the median and the spread that were asked for', () => {
  const sizes = logNormalSizes(101, { medianBytes: 64 * MiB, sigma: 0.8 });
  const sorted = sizes.toSorted((one, other) => one - other);
  assert.equal(sorted[50], 64 * MiB);
  const logs = sizes.map((size) => Math.log(size / (64 * MiB)));
  const deviation = Math.sqrt(logs.reduce((sum, log) => sum + log * log, 0) / logs.length);
  assert.ok(Math.abs(deviation - 0.8) < 0.1, `${deviation}`);
});

void test('`logNormalSizes` deals the sizes in no order', () => {
  const sizes = logNormalSizes(16, { medianBytes: 64 * MiB, sigma: 0.8 });
  assert.equal(new Set(sizes).size, 16);
  assert.notDeepEqual(
    sizes,
    sizes.toSorted((one, other) => one - other),
  );
  assert.deepEqual(sizes, logNormalSizes(16, { medianBytes: 64 * MiB, sigma: 0.8 }));
});
