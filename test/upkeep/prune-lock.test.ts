import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { storePlace } from '../../src/store/store-place.ts';
import { lockForPruning } from '../../src/upkeep/prune-lock.ts';
import { temporaryDirectory } from '../content/fixtures.ts';

void test('`lockForPruning` throws `target-unwritable` when a directory is in its place', (t) => {
  const place = storePlace(temporaryDirectory(t));
  mkdirSync(place.pruneLock, { recursive: true });
  const wanted = { code: 'target-unwritable', message: /something else than a file/ };
  assert.throws(() => lockForPruning(place, 'prune'), wanted);
});

void test('`lockForPruning` throws `target-unwritable` when its directory is a file', (t) => {
  const place = storePlace(temporaryDirectory(t));
  writeFileSync(dirname(place.pruneLock), 'mine');
  assert.throws(() => lockForPruning(place, 'prune'), { code: 'target-unwritable' });
});
