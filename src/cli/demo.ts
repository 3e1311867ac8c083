import type { Command } from 'commander';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { KgetError } from '../base/error.ts';
import { diskLikeImage, ext4Image, findMke2fs } from '../samples/images.ts';
import { formatRate } from '../base/units.ts';
import { fileSha256 } from '../content/file-digest.ts';
import { localLauncher } from '../control/local-launcher.ts';
import { renderSummaryText } from '../report/text.ts';
import { EXIT, exitCodeOf } from './exit-code.ts';
import { fileLayout } from './file-layout.ts';
import { runGather, type GatherResult } from './gather-run.ts';
import { showProgress } from './progress.ts';
import type { System } from './system.ts';

const NODES = Array.from({ length: 8 }, (_, index) => `demo${index + 1}`);
/** 80 Mbit/s each way, for every node and the frontend. */
const LINK_BYTES_PER_SECOND = 10e6;
const CHUNK_BYTES = 128 * 1024;
const IMAGE_BYTES = 96 * 1024 * 1024;
const OWN_BYTES = 12 * 1024 * 1024;
const BASE_DIRECTORIES = ['/usr/lib', '/usr/share'];

const ABOUT = `
Eight agents run on this machine as processes of their own, each with a directory of its own and a
link limited to 80 Mbit/s each way; the frontend's link is no faster. Every node has an ext4 image,
most of it the same everywhere. They are gathered by the code of a real run, compared byte for byte
with the originals, and removed; the report stays.

Examples:
  kgetplus demo
  kgetplus demo --keep`;

/** Declares `demo`. */
export function addDemo(program: Command, system: System): void {
  program
    .command('demo')
    .summary('gather from an embedded cluster of eight nodes')
    .description('Runs the main job on an embedded cluster. Needs no root, no sshd, two minutes.')
    .option('--keep', 'keep the images', false)
    .addHelpText('after', ABOUT)
    .action(async (options: { keep: boolean }) => {
      system.setExitCode(await demo(options, system));
    });
}

async function demo(options: { keep: boolean }, system: System): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'kgetplus-demo-'));
  const tell = (text: string): void => void system.stdout.write(`${text}\n`);
  const target = join(directory, 'frontend');
  const image = (node: string): string => join(directory, 'nodes', node, 'disk.img');
  try {
    tell(`Making ${NODES.length} images in ${directory} …`);
    for (const node of NODES) {
      await mkdir(join(directory, 'nodes', node), { recursive: true });
      await makeImage(image(node), node);
    }
    tell(`Gathering them over links of ${formatRate(LINK_BYTES_PER_SECOND)} each way:`);
    const result = await gatherAll({ directory, target }, system);
    const exitCode = exitCodeOf(result.report, result.outcome.interrupted);
    if (exitCode !== EXIT.ok) return exitCode;
    await verify(NODES.map((node) => [image(node), join(target, node, basename(image(node)))]));
    tell(`\n${renderSummaryText(result.report)}`);
    tell(`Verified: ${NODES.length} images are byte for byte those of the nodes.`);
    tell(`Report: ${result.htmlReportPath ?? 'none'}`);
    return exitCode;
  } finally {
    if (!options.keep) {
      await rm(join(directory, 'nodes'), { recursive: true, force: true });
      await rm(target, { recursive: true, force: true });
    }
  }
}

/** Where mke2fs is missing, the image is synthesised to look like a disk's. */
async function makeImage(path: string, seed: string): Promise<void> {
  const options = { sizeBytes: IMAGE_BYTES, ownBytes: OWN_BYTES, seed };
  if (findMke2fs() === undefined) await diskLikeImage(path, options);
  else await ext4Image(path, { ...options, baseDirectories: BASE_DIRECTORIES });
}

async function gatherAll(
  places: { readonly directory: string; readonly target: string },
  system: System,
): Promise<GatherResult> {
  const { clock, entropy, agent } = system;
  const { directory, target } = places;
  using progress = showProgress({ stream: system.stderr, clock, startedMs: clock.nowMs() });
  return await runGather(
    {
      nodes: NODES,
      patterns: [join(directory, 'nodes', '{node}', 'disk.img')],
      objective: { kind: 'mean' },
      maxHops: NODES.length,
      copies: 1,
      nodeTerms: new Map(),
      rackUplinks: new Map(),
      senders: 1,
      chunkSizeBytes: CHUNK_BYTES,
      targetDirectory: target,
      layout: fileLayout,
      command: ['demo'],
      spoolDirectory: join(directory, 'nodes', 'spool'),
      frontendBytesPerSecond: LINK_BYTES_PER_SECOND,
      nodeBytesPerSecond: LINK_BYTES_PER_SECOND,
      dryRun: false,
      // Its directory goes with it.
      limits: { orphanMs: 0 },
      fresh: true,
      reportPath: join(directory, 'report.html'),
    },
    {
      clock,
      entropy,
      nodes: localLauncher({ ...agent, clock }),
      frontend: localLauncher({ ...agent, clock }),
      observer: progress.observer,
      onRelease: () => Promise.resolve(undefined),
      signal: system.interrupt,
    },
  );
}

/** @throws KgetError `corrupt` if two files of a pair differ */
async function verify(pairs: readonly (readonly [string, string])[]): Promise<void> {
  for (const [original, copy] of pairs) {
    if ((await fileSha256(original)) === (await fileSha256(copy))) continue;
    throw new KgetError('corrupt', `${copy} is not the same as ${original}`);
  }
}
