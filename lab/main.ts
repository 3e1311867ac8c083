import { Command, InvalidArgumentError } from 'commander';

import { describeImages, layImages, parseImageSpec } from './images.ts';
import type { ImageSpec } from './images.ts';
import { openLab, removeLab } from './lab.ts';
import type { Lab } from './lab.ts';
import type { LabState } from './layout.ts';
import { parseRacks } from './racks.ts';
import type { RackOptions } from './racks.ts';
import { findLab, listLabs } from './registry.ts';
import { missingForLab } from './requirements.ts';
import { startLab } from './start.ts';
import { describeLab, isOwned, ownerOf } from './status.ts';

interface UpOptions {
  readonly nodes: number;
  readonly rate: string;
  readonly frontendRate?: string;
  readonly racks?: RackOptions;
  readonly image?: ImageSpec;
  readonly name?: string;
  readonly directory?: string;
}

const program = new Command('lab')
  .description(
    'A cluster in network namespaces: hosts with shaped links and an sshd each (as root).',
  )
  .enablePositionalOptions()
  .showHelpAfterError();

program
  .command('up')
  .description('bring up a lab that stays until it is taken down')
  .requiredOption('--nodes <n>', 'number of nodes: kn01, kn02, …', parseCount)
  .option('--rate <rate>', "of every node's link, both ways, as in tc(8)", '40mbit')
  .option('--frontend-rate <rate>', "of the frontend's link; by default as --rate")
  .option('--racks <RxRATE>', 'deal the nodes to R racks with uplinks of RATE', parseRacks)
  .option('--image <KIND:SIZE[:OWN]>', 'make /labnode/disk.img on every node', parseImageSpec)
  .option('--name <name>', 'of the lab; by default a new one')
  .option('--directory <path>', "where the lab's files go; by default the system's for such")
  .addHelpText(
    'after',
    `
Images: incompressible:SIZE; ext4:SIZE[:OWN], of this machine's files; ram:SIZE[:OWN], like
memory. OWN is what no other node has, by default 2%.

Examples:
  npm run lab -- up --nodes 6 --rate 40mbit
  npm run lab -- up --nodes 16 --racks 4x80mbit --image ext4:256MiB:5%`,
  )
  .action(up);

program.command('status').description('show the labs of this machine').action(status);

program
  .command('exec')
  .description('run a command on a host of a lab: frontend, kn01, …')
  .argument('<host>')
  .argument('<command...>')
  .option('--name <name>', 'of the lab; needed if there are several')
  .passThroughOptions()
  .addHelpText('after', '\nExample: npm run lab -- exec kn01 -- ip address show')
  .action(exec);

program
  .command('down')
  .description('remove a lab with all that runs in it, also one whose owner crashed')
  .argument('[name]', 'may be left out if there is one lab only')
  .option('--all', 'remove every lab that no running process owns')
  .action(down);

try {
  await program.parseAsync();
} catch (error) {
  console.error(`lab: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

async function up(options: UpOptions): Promise<void> {
  requireTools();
  const { image, ...labOptions } = options;
  const startedMs = performance.now();
  const lab = await startLab({ ...labOptions, keep: true });
  const { length } = lab.nodes;
  console.log(`Lab ${lab.name} with ${length} nodes is up after ${secondsSince(startedMs)} s.`);
  if (image !== undefined) await layOrStop(lab, image);
  console.log(`  files    ${lab.directory}`);
  console.log(`  ssh      ssh -F ${lab.sshConfig} ${lab.nodes[0]?.name}`);
  console.log(`  inside   npm run lab -- exec --name ${lab.name} frontend -- COMMAND`);
  console.log(`  remove   npm run lab -- down ${lab.name}`);
}

/** Makes the images of a lab that was just brought up; nothing stays of it if that fails. */
async function layOrStop(lab: Lab, image: ImageSpec): Promise<void> {
  const startedMs = performance.now();
  try {
    await layImages(lab, image);
  } catch (error) {
    await lab.stop();
    throw error;
  }
  console.log(`  images   ${describeImages(image)}, made in ${secondsSince(startedMs)} s`);
}

function secondsSince(startedMs: number): string {
  return ((performance.now() - startedMs) / 1000).toFixed(1);
}

function status(): void {
  const labs = listLabs();
  if (labs.length === 0) console.log('There are no labs.');
  for (const lab of labs) console.log(describeLab(lab));
}

async function exec(
  hostName: string,
  argv: readonly string[],
  options: { readonly name?: string },
): Promise<void> {
  requireTools();
  const lab = openLab(theLab(options.name));
  const command = argv[0] === '--' ? argv.slice(1) : argv;
  const child = lab.exec(lab.host(hostName), command, { stdio: 'inherit' });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  child.on('error', reject);
  child.on('close', (code) => {
    resolve(code ?? 1);
  });
  process.exitCode = await promise;
}

async function down(name: string | undefined, options: { readonly all?: true }): Promise<void> {
  requireTools();
  const labs = options.all === true ? listLabs().filter((lab) => !isOwned(lab)) : [theLab(name)];
  for (const lab of labs) {
    await removeLab(lab);
    console.log(`Lab ${lab.name} is removed.`);
  }
  if (options.all !== true) return;
  for (const lab of listLabs()) {
    console.log(`Lab ${lab.name} stays: ${ownerOf(lab)}; to remove it, name it.`);
  }
}

/** The lab with this name, or the only one. */
function theLab(name: string | undefined): LabState {
  if (name !== undefined) return findLab(name);
  const labs = listLabs();
  const [only, ...others] = labs;
  if (only !== undefined && others.length === 0) return only;
  const found = labs.map((lab) => lab.name).join(', ') || 'none';
  throw new Error(`Cannot tell which lab is meant: there are ${found}; name one`);
}

function requireTools(): void {
  const missing = missingForLab();
  if (missing.length > 0) throw new Error(`Cannot work with labs here: ${missing.join('; ')}`);
}

function parseCount(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Wanted a whole number.');
}
