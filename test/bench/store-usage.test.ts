import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { diskUse } from '../../bench/store-usage.ts';

void test('`diskUse` adds up files at any depth once, whatever links lead to them', () => {
  const directory = mkdtempSync(join(tmpdir(), 'kgetplus-test-'));
  try {
    mkdirSync(join(directory, 'one/two'), { recursive: true });
    writeFileSync(join(directory, 'one/two/data'), Buffer.alloc(5000, 1));
    writeFileSync(join(directory, 'data'), Buffer.alloc(70, 1));
    symlinkSync('one', join(directory, 'latest'));
    const { fileBytes, allocatedBytes, files } = diskUse(directory);
    assert.deepEqual({ fileBytes, files }, { fileBytes: 5070, files: 2 });
    assert.equal(allocatedBytes % 512, 0);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
