/**
 * The snapshot store: what it stores and sends, how long it takes, and how fast images come back,
 * against restic, casync, cp and qemu-nbd in the same rounds. `npm run bench:store -- --help`
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parseSize } from '../src/base/units.ts';
import { contenders } from './store-contenders.ts';
import { makeStoreImages } from './store-images.ts';
import { measureGathers, measureRestores, withImages, type Setting } from './store-measure.ts';
import { measureNbd, type NbdSide } from './store-nbd.ts';
import { isThere, runTool } from './store-programs.ts';
import { rowsOf, type StoreFigures } from './store-rows.ts';
import { tableOf } from './store-table.ts';

const HELP = `Usage: npm run bench:store -- [options]
  --images N         images, one on each node (8)
  --size SIZE        length of an image (512MiB)
  --rounds N         rounds, in each of which all sides run once, in turn (3)
  --only NAMES       of kgetplus,restic,casync,cp,qemu-nbd (all that are installed)
  --gather OPTIONS   more options of kgetplus gather, e.g. '--compression 7'
  --without PARTS    of restore,nbd: what not to measure (nothing)
  --quick            2 images of 64MiB, one round: does everything work?
  --work DIR         where to make a directory for images and stores; needs 3 times the size of
                     all images (${tmpdir()})
  --keep             keep that directory
  --json FILE        where to write the figures (nowhere)

The images are ext4, of real files of this machine: one base, cloned, with what each guest wrote,
replaced and removed. For the second gather 1 % of the blocks of 128 KiB that hold data are random.
Gathers find the images in the page cache. Each time includes a sync of the file system. Memory is
the sum of the peaks of a command's processes. Stored is all that a side leaves in its directory.
As root, restores and reads are measured with an empty page cache, too.
`;

const { values } = parseArgs({
  options: {
    images: { type: 'string' },
    size: { type: 'string' },
    rounds: { type: 'string' },
    only: { type: 'string', default: 'kgetplus,restic,casync,cp,qemu-nbd' },
    gather: { type: 'string', default: '' },
    without: { type: 'string', default: '' },
    quick: { type: 'boolean', default: false },
    work: { type: 'string', default: tmpdir() },
    keep: { type: 'boolean', default: false },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) console.log(HELP);
else await main();

async function main(): Promise<void> {
  const missing = ['mke2fs', 'debugfs', 'e2fsck'].filter((program) => !isThere(program));
  if (missing.length > 0) throw new Error(`missing: ${missing.join(', ')}: install e2fsprogs`);
  const work = mkdtempSync(join(values.work, 'kgetplus-bench-'));
  const cleanUp = (): void => {
    if (!values.keep) rmSync(work, { recursive: true, force: true });
  };
  process.once('exit', cleanUp);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  const asked = values.quick
    ? { images: '2', size: '64MiB', rounds: '1' }
    : { images: '8', size: '512MiB', rounds: '3' };
  const sizeBytes = parseSize(values.size ?? asked.size);
  const images = Number(values.images ?? asked.images);
  const machine = await machineOf();
  const setting: Setting = {
    work,
    images: await makeStoreImages(work, { images, sizeBytes }),
    contenders: contenders(values.gather.split(' ').filter(Boolean)).filter(({ name, program }) =>
      takesPart(name, program),
    ),
    rounds: Number(values.rounds ?? asked.rounds),
    progress: (line) => console.error(line),
  };
  const figures = await measureAll(setting, sizeBytes);
  const rows = rowsOf(figures);
  console.log(`${heading(setting, machine)}\n\n${tableOf(rows)}`);
  const { rounds, images: data } = setting;
  const json = { machine, options: { ...values, images, sizeBytes, rounds }, data, rows, figures };
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(json, null, 2)}\n`);
  if (values.keep) console.error(`images and stores are in ${work}`);
}

async function measureAll(setting: Setting, imageBytes: number): Promise<StoreFigures> {
  const { changedBytes, indexBytes } = setting.images;
  const gathers = await measureGathers(setting);
  const nbdSides = (['kgetplus', 'qemu-nbd'] as const).filter((side): side is NbdSide =>
    side === 'kgetplus' ? takesPart(side, 'nbdcopy') : takesPart(side, 'qemu-nbd'),
  );
  const [restores, reads] = await withImages(setting, 'second', async () => [
    isWanted('restore') ? await measureRestores(setting, takesPart('cp', 'cp')) : [],
    isWanted('nbd') && isThere('nbdcopy') ? await measureNbd(setting, nbdSides) : [],
  ]);
  return { imageBytes, changedBytes, indexBytes, gathers, restores, reads };
}

function isWanted(part: 'restore' | 'nbd'): boolean {
  return !values.without.split(',').includes(part);
}

/** Whether a side was asked for and is installed; says so if it is not. */
function takesPart(name: string, program: string): boolean {
  if (!values.only.split(',').includes(name)) return false;
  if (isThere(program) || program === 'node') return true;
  console.error(`${name} is left out: there is no ${program}`);
  return false;
}

/** Whatever belongs with the figures. */
async function machineOf() {
  const versions: Record<string, string> = { node: process.version };
  for (const [program, word] of [
    ['restic', 'version'],
    ['casync', '--version'],
    ['qemu-nbd', '--version'],
    ['nbdcopy', '--version'],
  ] as const) {
    if (isThere(program)) versions[program] = (await runTool(program, [word])).split('\n')[0] ?? '';
  }
  return {
    processors: availableParallelism(),
    model: cpus()[0]?.model ?? 'unknown',
    memoryBytes: totalmem(),
    kernel: release(),
    load: readFileSync('/proc/loadavg', 'utf8').trim(),
    versions,
  };
}

function heading(setting: Setting, machine: Awaited<ReturnType<typeof machineOf>>): string {
  const { nodes, logicalBytes, dataBytes, changedBytes } = setting.images;
  return (
    `${nodes.length} images, ${megabytes(logicalBytes)} with ${megabytes(dataBytes)} of data, of ` +
    `which ${megabytes(changedBytes)} changed; medians of ${setting.rounds} rounds; ` +
    `${machine.processors} processors, load ${machine.load.split(' ')[0]} at the start`
  );
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
