/**
 * What the table of a store's chunks costs: time of additions and questions, and memory.
 * `npm run bench:table -- --help`
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openChunkTable } from '../src/store/chunk-table.ts';
import { addToTable } from '../src/store/table-add.ts';
import { createAdditions, MAX_ADDITIONS } from '../src/store/table-additions.ts';

const HELP = `Usage: npm run bench:table -- [options]
  --chunks N         chunks in the table (1000000)
  --questions N      chunks that are looked for, then as many that are not there (200000)

Files are in the page cache. Needs 36 B for each chunk in ${tmpdir()}, twice while segments merge.
`;

const MiB = 1024 * 1024;

const { values } = parseArgs({
  options: {
    chunks: { type: 'string', default: '1000000' },
    questions: { type: 'string', default: '200000' },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) console.log(HELP);
else await main(Number(values.chunks), Number(values.questions));

async function main(chunks: number, questions: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'kgetplus-table-'));
  try {
    console.log('| what | a second | B of memory a new chunk | MiB of the process |');
    console.log('| --- | --: | --: | --: |');
    await add(directory, chunks);
    await ask(directory, { chunks, questions });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function add(directory: string, chunks: number): Promise<void> {
  let heldBytes = 0;
  const startMs = performance.now();
  for (let first = 0; first < chunks; first += MAX_ADDITIONS) {
    const additions = createAdditions();
    const end = Math.min(first + MAX_ADDITIONS, chunks);
    for (let number = first; number < end; number += 1) additions.add(digestOf(number), 1000);
    heldBytes = additions.heldBytes / additions.count;
    await addToTable(directory, additions.packed());
  }
  print('added', chunks, { startMs, heldBytes });
}

async function ask(
  directory: string,
  { chunks, questions }: { readonly chunks: number; readonly questions: number },
): Promise<void> {
  const table = await openChunkTable(directory);
  // Numbers from `chunks` on were not added.
  for (const [what, from] of [
    ['found', 0],
    ['not found', chunks],
  ] as const) {
    const startMs = performance.now();
    let found = 0;
    for (let at = 0; at < questions; at += 1) {
      // A stride that is prime to most numbers visits them in no order.
      const number = from + ((at * 7_368_787) % chunks);
      if (table.find(digestOf(number)) !== undefined) found += 1;
    }
    if (found !== (from === 0 ? questions : 0)) throw new Error(`${found} of ${questions} found`);
    print(what, questions, { startMs });
  }
  table.close();
}

function print(
  what: string,
  count: number,
  { startMs, heldBytes }: { readonly startMs: number; readonly heldBytes?: number },
): void {
  const rate = Math.round(count / ((performance.now() - startMs) / 1000));
  const held = heldBytes === undefined ? '' : heldBytes.toFixed(1);
  const rss = Math.round(process.memoryUsage().rss / MiB);
  console.log(`| ${what} | ${rate} | ${held} | ${rss} |`);
}

/** 32 bytes that look random and need not be kept: rounds of MurmurHash3's finaliser. */
function digestOf(number: number): Buffer {
  const digest = Buffer.allocUnsafe(32);
  let state = number;
  for (let at = 0; at < digest.length; at += 4) {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    digest.writeInt32LE(mixed ^ (mixed >>> 16), at);
  }
  return digest;
}
