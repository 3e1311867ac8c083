/**
 * One encrypted stream between two processes on the loopback, file to file, verified with SHA-256
 * by the receiver, against scp doing the same (unverified). `npm run bench:stream -- --help`
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { parseSize } from '../src/base/units.ts';
import { makeImages } from './stream/images.ts';
import { checkAndRemove, runOurs, runScp, touchMemory, type Measurement } from './stream/runs.ts';
import { missingForScp, startSshd } from './stream/sshd.ts';
import { summarize, tableOf, type CaseResult } from './stream/summary.ts';

const HELP = `Usage: npm run bench:stream -- [options]
  --size SIZE        bytes of data in the dense image (1GiB); the sparse one has twice that length
  --rounds N         rounds, in each of which both sides run once (5)
  --chunk SIZE       chunk size (128KiB)
  --cases NAMES      of ready,hashing,sparse (all)
  --directory DIR    for images, copies and keys; needs 4 times the size (/dev/shm)
  --node PATH        the node that runs our two processes (this one)
  --json FILE        where to write the figures (bench-stream.json)
`;

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: '1GiB' },
    rounds: { type: 'string', default: '5' },
    chunk: { type: 'string', default: '128KiB' },
    cases: { type: 'string', default: 'ready,hashing,sparse' },
    directory: { type: 'string', default: '/dev/shm' },
    node: { type: 'string', default: process.execPath },
    json: { type: 'string', default: 'bench-stream.json' },
    help: { type: 'boolean', default: false },
  },
});

const CASES = [
  { name: 'ready', image: 'dense', scan: 'before' },
  { name: 'hashing', image: 'dense', scan: 'meanwhile' },
  { name: 'sparse', image: 'sparse', scan: 'meanwhile' },
] as const;

if (values.help) console.log(HELP);
else process.exitCode = await main();

async function main(): Promise<number> {
  const missing = missingForScp();
  if (missing !== undefined) {
    console.error(missing);
    return 1;
  }
  const directory = mkdtempSync(join(values.directory, 'kgetplus-bench-'));
  const sshd = await startSshd(directory);
  const cleanUp = (): void => {
    sshd.stop();
    rmSync(directory, { recursive: true, force: true });
  };
  process.once('exit', cleanUp);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  try {
    const results = await measureCases(directory, sshd);
    console.log(tableOf(results));
    writeFileSync(values.json, `${JSON.stringify({ options: values, results }, null, 2)}\n`);
    return 0;
  } finally {
    cleanUp();
  }
}

async function measureCases(
  directory: string,
  sshd: Awaited<ReturnType<typeof startSshd>>,
): Promise<CaseResult[]> {
  const images = makeImages(directory, parseSize(values.size));
  const [senderScript, receiverScript] = await bundle(directory);
  const results: CaseResult[] = [];
  for (const { name, image, scan } of CASES) {
    if (!values.cases.split(',').includes(name)) continue;
    const files = { source: images[image], target: join(directory, 'copy'), directory };
    const programs = { node: values.node, senderScript, receiverScript };
    const chunkSizeBytes = parseSize(values.chunk);
    const ours: Measurement[] = [];
    const scp: Measurement[] = [];
    const sides = [
      async () => ours.push(await runOurs({ ...files, ...programs, chunkSizeBytes, scan })),
      async () => scp.push(await runScp(files, sshd)),
    ];
    for (let round = 1; round <= Number(values.rounds); round += 1) {
      // In turn, and on memory that was in use a moment ago: virtual machines get it from their
      // host only then, and whoever is first would pay for that.
      for (const side of sides) {
        touchMemory(files);
        await side();
        checkAndRemove(files);
      }
      sides.reverse();
      console.error(`${name}: round ${round} of ${values.rounds}`);
    }
    results.push(summarize(name, ours, scp));
  }
  return results;
}

/** Our programs as they run on nodes: one file each. */
async function bundle(directory: string): Promise<[string, string]> {
  const [sender, receiver] = [join(directory, 'sender.mjs'), join(directory, 'receiver.mjs')];
  for (const [entry, outfile] of [
    ['bench/stream-sender.ts', sender],
    ['bench/stream-receiver.ts', receiver],
  ] as const) {
    await build({
      entryPoints: [entry],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
    });
  }
  return [sender, receiver];
}
