import assert from 'node:assert/strict';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { createScans } from '../../src/agent/scans.ts';
import type { ServedImage } from '../../src/content/image.ts';
import { createOpenFiles } from '../../src/content/open-files.ts';
import { createSeedTable } from '../../src/content/seed-table.ts';
import type { AgentMessage } from '../../src/control/messages.ts';
import { scanImage } from '../../src/source/scan.ts';
import { temporaryDirectory } from '../content/fixtures.ts';
import { realClock } from '../control/clocks.ts';

void suite('createScans', () => {
  void test('`find` tells a second coordinator what was scanned for the first, and scans nothing again', async (t) => {
    const { scans, image, scanned } = place(t);
    const paths = [image('a', 20_000), image('b', 0)];
    const first = await told(scans, paths);
    const second = await told(scans, paths);
    assert.deepEqual(scanned, paths);
    assert.deepEqual(second, first);
    assert.deepEqual(
      first.map(({ type }) => type),
      ['found', 'scanned', 'scanned'],
    );
  });

  void test('`find` does not begin anew what is being scanned', async (t) => {
    const { scans, image, scanned } = place(t);
    const paths = [image('a', 200_000), image('b', 200_000)];
    const answers = await Promise.all([told(scans, paths), told(scans, paths)]);
    assert.deepEqual(scanned, paths);
    assert.deepEqual(answers[0], answers[1]);
  });

  void test('`find` scans a file anew that was written, or has the place of another one', async (t) => {
    const { scans, image, scanned, served } = place(t);
    const [written, replaced] = [image('a', 20_000), image('b', 20_000)];
    const before = await told(scans, [written, replaced]);
    const index = served.get(`node1:${written}`)?.index;
    writeFileSync(written, Buffer.alloc(20_000, 'new'));
    renameSync(image('c', 20_000, 'other'), replaced);
    const after = await told(scans, [written, replaced]);
    assert.deepEqual(scanned, [written, replaced, written, replaced]);
    assert.notDeepEqual(after, before);
    assert.notEqual(served.get(`node1:${written}`)?.index, index);
  });

  void test('`find` scans an image anew whose scan has failed', async (t) => {
    const { scans, image, scanned, faults } = place(t);
    const paths = [image('a', 20_000), image('b', 20_000)];
    faults.add(paths[0] ?? '');
    const types = (await told(scans, paths)).map(({ type }) => type);
    assert.deepEqual(types, ['found', 'scan-failed', 'scanned']);
    faults.clear();
    assert.deepEqual((await told(scans, paths)).map(({ type }) => type).toSorted(), [
      'found',
      'scanned',
      'scanned',
    ]);
    assert.deepEqual(scanned, [...paths, paths[0]]);
  });
});

/** Scans in a directory of their own, and what was read in them. */
function place(t: TestContext) {
  const directory = temporaryDirectory(t);
  const files = createOpenFiles();
  const scanned: string[] = [];
  const faults = new Set<string>();
  const served = new Map<string, ServedImage>();
  const ending = new AbortController();
  t.after(() => {
    ending.abort();
    files.close();
  });
  const scans = createScans({
    clock: realClock,
    node: 'node1',
    home: directory,
    chunkSizeBytes: 4096,
    scratch: directory,
    files,
    seeds: createSeedTable(files),
    served,
    signal: ending.signal,
    scan: async (options) => {
      scanned.push(options.identity.path);
      if (faults.has(options.identity.path)) throw new Error('no luck');
      return scanImage(options);
    },
  });
  const image = (name: string, sizeBytes: number, fill = name): string => {
    const path = join(directory, `${name}.img`);
    writeFileSync(path, Buffer.alloc(sizeBytes, fill));
    return path;
  };
  return { scans, image, scanned, faults, served };
}

/** What a coordinator hears that has images found. */
function told(
  scans: ReturnType<typeof createScans>,
  paths: readonly string[],
): Promise<AgentMessage[]> {
  const messages: AgentMessage[] = [];
  return new Promise((resolve) => {
    scans.find(paths, {
      send(message) {
        messages.push(message);
        if (messages.length === paths.length + 1) resolve(messages);
      },
    });
  });
}
