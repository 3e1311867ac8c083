import type { Command } from 'commander';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KgetError, type Failure } from '../base/error.ts';
import { findImage } from '../machine-image/find-image.ts';
import type { StoredImage } from '../machine-image/images.ts';
import { summariseIndex } from '../machine-image/part-digest.ts';
import { collect } from './collect.ts';
import { deployFrom, type FrontendFile } from './deployment.ts';
import { EXIT } from './exit-code.ts';
import { accessOf, addAccessOptions, type AccessOptions } from './host-access.ts';
import { hostCrew } from './host-crew.ts';
import { type PushReport, renderPush } from './image-push-text.ts';
import { chooseNodes, nodeSetFiles } from './nodes.ts';
import { addStoreOption, storeAt, type StoreOption } from './store-option.ts';
import type { System } from './system.ts';

const ABOUT = `
Jobs bring their images by themselves; this does it before there is a job. Each byte leaves this
host once: nodes pass it on to each other as it comes. What a node has, or finds in other images
that it has, does not travel. After an interruption the same command continues.

Examples:
  kgetplus image push debian:12 -w 'node[01-32]'
  kgetplus image push tiny -w @ci --json

Exit status:
  0 all nodes have the image; 3 some have; 4 none has; 130 interrupted`;

interface PushOptions extends StoreOption, AccessOptions {
  readonly nodes: readonly string[];
  readonly exclude?: readonly string[];
  readonly json: boolean;
}

/** Declares `image push`. */
export function addImagePush(images: Command, system: System): void {
  const command = images
    .command('push')
    .summary('bring an image to nodes')
    .description('Brings an image to the cache of nodes, verified, before a job needs it there.')
    .argument('<image>', 'NAME[:TAG], or the beginning of an id')
    .requiredOption('-w, --nodes <nodes>', 'node set, e.g. node[01-64,70], @group, @FILE', collect)
    .option('-x, --exclude <nodes>', 'nodes to leave out', collect);
  addAccessOptions(addStoreOption(command))
    .option('--json', 'print what came of each node as JSON', false)
    .addHelpText('after', ABOUT)
    .action(async (text: string, options: PushOptions) => {
      system.setExitCode(await pushCommand(text, options, system));
    });
}

async function pushCommand(text: string, options: PushOptions, system: System): Promise<number> {
  const { clock, interrupt: signal } = system;
  const place = storeAt(options, system);
  const stored = findImage(place, text);
  const { nodes } = chooseNodes(options.nodes, options.exclude ?? [], nodeSetFiles(system));
  using work = workDirectory();
  const chunkSizeBytes = await chunkSizeOf(stored);
  const startedMs = clock.nowMs();
  const crew = await hostCrew(
    { reach: accessOf(options), hypervisor: 'none', chunkSizeBytes, workDirectory: work.path },
    system,
  );
  const frontend = await crew.startFrontend(signal);
  try {
    await using hosts = await crew.start(nodes, signal);
    const startSeconds = (clock.nowMs() - startedMs) / 1000;
    const living = nodes.flatMap((node) => hosts.all.get(node) ?? []);
    const files = stored.image.parts.map((part): FrontendFile => {
      const { digest, sizeBytes } = part;
      return { kind: 'stored', file: { digest, sizeBytes }, indexPath: stored.indexPathOf(part) };
    });
    const report = await deployFrom(frontend, { files, place, hosts: living, signal }, system);
    const whole = { ...report, nodes: [...report.nodes, ...unstarted(hosts.failures)] };
    return print({ image: stored.image.id, startSeconds, ...whole }, options, system);
  } finally {
    frontend.caller.close();
  }
}

function print(report: PushReport, options: PushOptions, system: System): number {
  const text = options.json ? `${JSON.stringify(report, undefined, 2)}\n` : renderPush(report);
  system.stdout.write(text);
  if (system.interrupt.aborted) return EXIT.interrupted;
  const failed = report.nodes.filter(({ failure }) => failure !== undefined).length;
  if (failed === 0) return EXIT.ok;
  return failed < report.nodes.length ? EXIT.someMissing : EXIT.noneArrived;
}

/** Nodes whose agents could not be started. */
function unstarted(failures: ReadonlyMap<string, Failure>): PushReport['nodes'] {
  return [...failures].map(([node, failure]) => ({
    node,
    failure,
    wireBytes: 0,
    seconds: 0,
    filesPresent: 0,
  }));
}

/** How all parts are cut. @throws KgetError `usage` if they are not cut alike */
async function chunkSizeOf({ image, indexPathOf }: StoredImage): Promise<number> {
  const sizes = new Set<number>();
  for (const part of image.parts) {
    sizes.add((await summariseIndex(indexPathOf(part))).chunkSizeBytes);
  }
  const [first, ...others] = sizes;
  if (first !== undefined && others.length === 0) return first;
  const found = `found its parts cut in chunks of ${[...sizes].join(' and ')} B`;
  const advice = 'export and import it again';
  throw new KgetError(
    'usage',
    `Cannot push image ${image.name}: ${found}, wanted one size; ${advice}`,
  );
}

/** Where the agent of this host keeps what it needs meanwhile. */
function workDirectory(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'kgetplus-push-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
