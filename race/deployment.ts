/** Brings one image to all nodes of a lab, with Kget+ and its rivals, measured from outside. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';

import { imageOf } from '../lab/images.ts';
import { killProcesses, processesIn } from '../lab/processes.ts';
import { rateBytesPerSecond } from '../lab/shaping.ts';
import { startLab } from '../lab/start.ts';
import { findTool } from '../lab/tools.ts';
import { parseSize } from '../src/base/units.ts';
import { watchArrivals } from './arrivals.ts';
import { runCommand } from './command.ts';
import { DEPLOYERS, type Deployer } from './deployers.ts';
import { onFrontend, shell } from './frontend.ts';
import { table, type DeployHeat } from './deployment-table.ts';
import { openProcessGroup } from './use.ts';
import type { Lab } from '../lab/lab.ts';
import type { Groups } from './heat.ts';

/** TCP's share of a link's rate: lab/README.md. */
const TCP_SHARE = 0.956;

/** What a deployer may take, in times of what scp to all needs. */
const LIMIT_FACTOR = 2;
const LIMIT_EXTRA_SECONDS = 120;

/** Chunks of images in stores. */
const CHUNK_BYTES = 128 * 1024;

interface Words {
  readonly nodes: number;
  readonly rate: string;
  readonly size: number;
  readonly only?: readonly string[];
  readonly kgetplus: string;
  readonly directory?: string;
  readonly json?: string;
}

const program = new Command('deployment')
  .description('Brings one image to all nodes of a lab, one deployer after the other (as root).')
  .option('--nodes <n>', 'nodes of the lab', count, 32)
  .option('--rate <rate>', 'of every link, as tc(8) writes it', '40mbit')
  .option('--size <size>', 'of the image, which is noise', parseSize, 64 * 1024 * 1024)
  .option('--only <names>', DEPLOYERS.map(({ name }) => name).join(', '), (text) => text.split(','))
  .option('--kgetplus <file>', 'launcher', join(import.meta.dirname, '../bin/kgetplus.cjs'))
  .option('--directory <path>', "where the lab's files go [the system's for such]")
  .option('--json <file>', 'where the figures go as JSON');
program.parse();
await main(program.opts<Words>());

async function main(words: Words): Promise<void> {
  const { nodes, rate, size } = words;
  const asked = DEPLOYERS.filter(({ name }) => words.only?.includes(name) ?? true);
  const deployers = asked.filter(({ tool }) => tool === null || findTool(tool) !== undefined);
  for (const { name } of asked.filter((it) => !deployers.includes(it))) step(`${name}: not here`);
  const { directory } = words;
  await using lab = await startLab({ nodes, rate, ...(directory !== undefined && { directory }) });
  writeFileSync(imageOf(lab.frontend), randomBytes(size));
  const groups = openGroups(lab);
  const bytesPerSecond = rateBytesPerSecond(rate) * TCP_SHARE;
  const onceSeconds = size / bytesPerSecond;
  const fillSeconds = (nodes * CHUNK_BYTES) / bytesPerSecond;
  const limitSeconds = LIMIT_FACTOR * nodes * onceSeconds + LIMIT_EXTRA_SECONDS;
  const heats: DeployHeat[] = [];
  for (const deployer of deployers) {
    step(deployer.name);
    heats.push(await runHeat(deployer, { lab, groups, words, limitSeconds }));
  }
  const bound = { onceSeconds, fillSeconds };
  process.stdout.write(table(heats, { ...bound, size, nodes, rate }));
  const record = { nodes, rate, sizeBytes: size, ...bound, heats };
  if (words.json !== undefined) writeFileSync(words.json, JSON.stringify(record, undefined, 1));
  await lab.stop();
  groups.frontend.remove();
  groups.nodes.remove();
}

interface HeatTerms {
  readonly lab: Lab;
  readonly groups: Groups;
  readonly words: Words;
  readonly limitSeconds: number;
}

async function runHeat(deployer: Deployer, terms: HeatTerms): Promise<DeployHeat> {
  const { lab, groups, words, limitSeconds } = terms;
  const place = {
    nodes: lab.nodes.map(({ name }) => name),
    sshConfig: lab.sshConfig,
    kgetplus: words.kgetplus,
  };
  if (deployer.preparation) await shell(lab, deployer.preparation(place));
  await clean(lab);
  const targets = lab.nodes.map((node) => join(node.labnode, deployer.directory));
  for (const target of targets) mkdirSync(target, { recursive: true });
  const before = await linkBytes(lab);
  const uses = [groups.frontend.watch(), groups.nodes.watch()] as const;
  const watch = watchArrivals({ directories: targets });
  const { signal } = new AbortController();
  const command = deployer.command(place);
  const ended = await runCommand(command, { lab, group: groups.frontend, limitSeconds, signal });
  const arrivals = watch.stop();
  const [frontendUse, nodesUse] = await Promise.all(uses.map((use) => use.stop()));
  const after = await linkBytes(lab);
  const wanted = readFileSync(imageOf(lab.frontend));
  const times = targets.flatMap((target) => {
    // Files whose names begin with a dot are not meant for others.
    const paths = [...arrivals.keys()].filter(
      (path) => dirname(path) === target && !basename(path).startsWith('.'),
    );
    const isThere = paths.some((path) => readFileSync(path).equals(wanted));
    const seconds = Math.max(...paths.map((path) => arrivals.get(path) ?? 0));
    return isThere ? [seconds] : [];
  });
  const said = saidBy(lab);
  await clean(lab);
  return {
    deployer: deployer.name,
    ...ended,
    lastSeconds: times.length === 0 ? null : Math.max(...times),
    meanSeconds: times.length === 0 ? null : times.reduce((sum, it) => sum + it, 0) / times.length,
    identical: times.length,
    frontendBytes: after.frontend - before.frontend,
    nodesBytes: after.nodes - before.nodes,
    frontendCpuSeconds: frontendUse?.cpuSeconds ?? null,
    nodesCpuSeconds: nodesUse?.cpuSeconds ?? null,
    said,
  };
}

/** What the links of the frontend and of all nodes took from them so far. */
async function linkBytes(lab: Lab): Promise<{ frontend: number; nodes: number }> {
  const sent = await Promise.all(lab.nodes.map((node) => lab.bytesSent(node)));
  const nodes = sent.reduce((sum, bytes) => sum + bytes, 0);
  return { frontend: await lab.bytesSent(lab.frontend), nodes };
}

/** Removes what a deployer left, processes too. */
async function clean(lab: Lab): Promise<void> {
  const namespaces = [lab.frontend, ...lab.nodes].map((host) => host.namespace);
  await killProcesses(namespaces, (name) => !name.startsWith('sshd'));
  const directories = DEPLOYERS.map(({ directory }) => directory);
  for (const node of lab.nodes) {
    for (const directory of directories)
      rmSync(join(node.labnode, directory), { recursive: true, force: true });
  }
}

function saidBy(lab: Lab): unknown {
  const file = onFrontend(lab, 'said.json');
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    // Most say nothing.
    return null;
  } finally {
    rmSync(file, { force: true });
  }
}

function openGroups(lab: Lab): Groups {
  const frontend = openProcessGroup(`${lab.name}-frontend`);
  const nodes = openProcessGroup(`${lab.name}-nodes`);
  frontend.join(processesIn([lab.frontend.namespace]));
  nodes.join(processesIn(lab.nodes.map((node) => node.namespace)));
  return { frontend, nodes };
}

function step(text: string): void {
  process.stderr.write(`${new Date().toTimeString().slice(0, 8)} ${text}\n`);
}

function count(text: string): number {
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new InvalidArgumentError('wanted a number from 1 on');
}
