import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { KgetError } from '../../src/base/error.ts';
import {
  formatRate,
  formatSeconds,
  formatSize,
  parseRate,
  parseSize,
} from '../../src/base/units.ts';

void suite('units', () => {
  for (const [text, bytes] of [
    ['512', 512],
    ['128KiB', 131_072],
    ['4k', undefined],
    ['1.5G', 1_610_612_736],
    ['2 MB', 2_000_000],
    ['-1', undefined],
    ['1e3', undefined],
    ['', undefined],
    ['12XiB', undefined],
    ['8191T', 8191 * 1024 ** 4],
    ['8192T', undefined],
    ['9'.repeat(400), undefined],
    ['5constructor', undefined],
  ] as const) {
    void test(`\`parseSize\` reads ${JSON.stringify(text)} as ${bytes ?? 'an error'}`, () => {
      if (bytes === undefined) assert.throws(() => parseSize(text), isUsage);
      else assert.equal(parseSize(text), bytes);
    });
  }

  for (const [text, bytesPerSecond] of [
    ['80Mbit', 10e6],
    ['80Mbit/s', 10e6],
    ['1gbit', 125e6],
    ['10MiB', 10 * 1024 * 1024],
    ['0', undefined],
    ['0Mbit', undefined],
    ['fast', undefined],
    ['8bit', 1],
    ['7bit', undefined],
    [`${'9'.repeat(400)}Gbit`, undefined],
    ['5toString', undefined],
  ] as const) {
    void test(`\`parseRate\` reads "${text}" as ${bytesPerSecond ?? 'an error'}`, () => {
      if (bytesPerSecond === undefined) assert.throws(() => parseRate(text), isUsage);
      else assert.equal(parseRate(text), bytesPerSecond);
    });
  }

  void test('sizes, rates and times are written with three digits and a unit', () => {
    assert.deepEqual([0, 17, 1024, 1_000_000, 3 * 1024 ** 3].map(formatSize), [
      '0 B',
      '17 B',
      '1.00 KiB',
      '977 KiB',
      '3.00 GiB',
    ]);
    assert.deepEqual([0, 10e6, 125e6].map(formatRate), [
      '0.00 bit/s',
      '80.0 Mbit/s',
      '1.00 Gbit/s',
    ]);
    assert.deepEqual([0.44, 59.94, 65, 3600, 7500].map(formatSeconds), [
      '0.4 s',
      '59.9 s',
      '1 min 05 s',
      '1 h 00 min',
      '2 h 05 min',
    ]);
  });
});

function isUsage(error: unknown): boolean {
  return error instanceof KgetError && error.code === 'usage' && error.message.includes('wanted');
}
