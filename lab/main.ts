import { Command, InvalidArgumentError } from 'commander';

import { openLab, removeLab } from './lab.ts';
import { namespacesOf } from './layout.ts';
import type { LabState } from './layout.ts';
import { isRunning, processesIn } from './processes.ts';
import { findLab, listLabs } from './registry.ts';
import { missingForLab } from './requirements.ts';
import { startLab } from './start.ts';

interface UpOptions {
  readonly nodes: number;
  readonly rate: string;
  readonly frontendRate?: string;
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
  .option('--name <name>', 'of the lab; by default a new one')
  .option('--directory <path>', "where the lab's files go; by default the system's for such")
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
  const startedMs = performance.now();
  const lab = await startLab({ ...options, keep: true });
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  console.log(`Lab ${lab.name} with ${lab.nodes.length} nodes is up after ${seconds} s.`);
  console.log(`  files    ${lab.directory}`);
  console.log(`  ssh      ssh -F ${lab.sshConfig} ${lab.nodes[0]?.name}`);
  console.log(`  inside   npm run lab -- exec --name ${lab.name} frontend -- COMMAND`);
  console.log(`  remove   npm run lab -- down ${lab.name}`);
}

function status(): void {
  const labs = listLabs();
  if (labs.length === 0) console.log('There are no labs.');
  for (const lab of labs) {
    const processes = processesIn(namespacesOf(lab)).length;
    console.log(
      `${lab.name}: ${lab.nodes.length} nodes at ${lab.rate}, frontend at ${lab.frontendRate}, ` +
        `${processes} processes, since ${lab.createdAt}, ${ownerOf(lab)}`,
    );
  }
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

function isOwned(lab: LabState): boolean {
  return lab.ownerPid !== null && isRunning(lab.ownerPid);
}

function ownerOf(lab: LabState): string {
  if (lab.ownerPid === null) return 'kept until it is taken down';
  if (isOwned(lab)) return `in use by process ${lab.ownerPid}`;
  return `stale: its owner, process ${lab.ownerPid}, is gone`;
}

function requireTools(): void {
  const missing = missingForLab();
  if (missing.length > 0) throw new Error(`Cannot work with labs here: ${missing.join('; ')}`);
}

function parseCount(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Wanted a whole number.');
}
