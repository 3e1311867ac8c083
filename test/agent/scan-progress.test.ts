import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { SCAN_PROGRESS_INTERVAL_MS } from '../../src/agent/limits.ts';
import { createScans } from '../../src/agent/scans.ts';
import { createOpenFiles } from '../../src/content/open-files.ts';
import { createSeedTable } from '../../src/content/seed-table.ts';
import type { AgentMessage } from '../../src/control/messages.ts';

void test('`find` tells how far a scan has come, behind its name and not often', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'kgetplus-scans-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const scratch = join(root, 'scratch');
  mkdirSync(scratch);
  const path = join(root, 'disk.img');
  writeFileSync(path, 'x'.repeat(1000));
  const files = createOpenFiles();
  const said: AgentMessage[] = [];
  const { promise: done, resolve } = Promise.withResolvers<void>();
  let nowMs = 0;
  const scans = createScans({
    clock: { nowMs: () => nowMs, sleep: () => Promise.resolve() },
    node: 'node1',
    home: root,
    chunkSizeBytes: 4096,
    scratch,
    files,
    seeds: createSeedTable(files),
    served: new Map(),
    signal: new AbortController().signal,
    async scan({ onProgress }) {
      await Promise.resolve();
      // Ten steps in each interval, for three intervals.
      for (let step = 1; step <= 30; step += 1) {
        nowMs += SCAN_PROGRESS_INTERVAL_MS / 10;
        onProgress?.({ scannedBytes: step, dataBytes: step });
      }
      return { dataBytes: 30, imageDigest: 'd', sketch: { chunks: 0, hashes: [] } };
    },
  });
  scans.find([path], {
    send(message) {
      said.push(message);
      if (message.type === 'scanned') resolve();
    },
  });
  await done;
  await scans.ended();
  assert.deepEqual(
    said.map((message) => [message.type, 'scannedBytes' in message ? message.scannedBytes : null]),
    [
      ['found', null],
      ['scanning', 10],
      ['scanning', 20],
      ['scanning', 30],
      ['scanned', null],
    ],
  );
});
