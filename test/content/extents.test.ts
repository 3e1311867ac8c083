import assert from 'node:assert/strict';
import { closeSync, fsyncSync, ftruncateSync, openSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { dataRuns, EXTENT_LISTERS, type ExtentLister } from '../../src/content/extents.ts';
import { CHUNK, temporaryDirectory } from './fixtures.ts';

const { signal } = new AbortController();

/** A file of `chunks` chunks with data in those named. */
function sparseFile(t: TestContext, chunks: number, data: readonly number[]): string {
  const path = join(temporaryDirectory(t), 'sparse');
  const fd = openSync(path, 'w');
  ftruncateSync(fd, chunks * CHUNK);
  for (const chunk of data) writeSync(fd, Buffer.alloc(CHUNK, 'x'), 0, CHUNK, chunk * CHUNK);
  fsyncSync(fd);
  closeSync(fd);
  return path;
}

async function runsOf(path: string, chunkSizeBytes: number, listers?: readonly ExtentLister[]) {
  const shape = { sizeBytes: statSync(path).size, chunkSizeBytes };
  const options = listers === undefined ? { signal } : { signal, listers };
  const runs: [number, number][] = [];
  for await (const { first, count } of dataRuns(path, shape, options)) runs.push([first, count]);
  return runs;
}

function printing(text: string, status = 0): ExtentLister {
  return { command: 'sh', args: ['-c', `printf '${text}'; exit ${status}`] };
}

for (const lister of EXTENT_LISTERS) {
  void test(`\`dataRuns\` names data when ${lister.command} lists extents`, async (t) => {
    const path = sparseFile(t, 100, [0, 1, 30, 31, 33, 80]);
    const expected = [
      [0, 2],
      [30, 2],
      [33, 1],
      [80, 1],
    ];
    assert.deepEqual(await runsOf(path, CHUNK, [lister]), expected);
  });

  void test(`\`dataRuns\` names nothing when ${lister.command} finds only a hole`, async (t) => {
    assert.deepEqual(await runsOf(sparseFile(t, 10, []), CHUNK, [lister]), []);
  });
}

void test('`dataRuns` joins extents that share a chunk or touch', async (t) => {
  const path = sparseFile(t, 100, [0, 2, 5, 7, 8, 16]);
  assert.deepEqual(await runsOf(path, 4 * CHUNK), [
    [0, 3],
    [4, 1],
  ]);
});

void test('`dataRuns` names the whole file when no program is there', async (t) => {
  const path = sparseFile(t, 10, [3]);
  const listers = [{ command: 'no-such-program-here', args: [] }];
  assert.deepEqual(await runsOf(path, CHUNK, listers), [[0, 10]]);
});

void test('`dataRuns` asks the next program when one fails at once', async (t) => {
  const path = sparseFile(t, 10, [3]);
  assert.deepEqual(await runsOf(path, CHUNK, [printing('', 4), ...EXTENT_LISTERS]), [[3, 1]]);
});

for (const [what, text] of [
  ['ends early', '4096 8192\\n'],
  ['prints nonsense', '4096 8192\\nnonsense\\n'],
  ['prints extents out of order', '4096 8192\\n0 4096\\nend\\n'],
  ['prints a line without end', `4096 8192\\n${'9'.repeat(500)}`],
] as const) {
  void test(`\`dataRuns\` takes all that is left for data when a program ${what}`, async (t) => {
    const path = sparseFile(t, 10, [1, 5]);
    assert.deepEqual(await runsOf(path, CHUNK, [printing(text)]), [[1, 9]]);
  });
}

void test('`dataRuns` yields one by one however many extents there are', async (t) => {
  const path = sparseFile(t, 10, []);
  const shape = { sizeBytes: 2 ** 50, chunkSizeBytes: CHUNK };
  const args = ['-e', '$|=1; for ($i=0;;$i+=3) { print $i*4096, " ", ($i+1)*4096, "\\n" }', '--'];
  let seen = 0;
  for await (const run of dataRuns(path, shape, { signal, listers: [{ command: 'perl', args }] })) {
    assert.deepEqual(run, { first: seen * 3, count: 1 });
    seen += 1;
    if (seen === 20_000) break;
  }
  assert.equal(seen, 20_000);
});
