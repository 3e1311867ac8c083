import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { ChildProcess } from 'node:child_process';

import { imageOf } from '../lab/images.ts';
import { killProcesses } from '../lab/processes.ts';
import { runTool } from '../lab/tools.ts';
import { parseReport } from '../src/report/json.ts';
import { watchArrivals } from './arrivals.ts';
import { watchSenders } from './senders.ts';
import type { Lab } from '../lab/lab.ts';
import type { LabHost } from '../lab/layout.ts';
import type { Contender, Place } from './contenders.ts';
import type { HeatRecord, NodeRecord } from './record.ts';
import type { ProcessGroup } from './use.ts';

export interface HeatOptions {
  readonly lab: Lab;
  readonly place: Place;
  readonly contender: Contender;
  readonly round: number;
  /** A contender that takes longer is killed. */
  readonly limitSeconds: number;
  readonly groups: Groups;
  readonly imageBytes: ReadonlyMap<string, number>;
  /** Ends the contender early. */
  readonly signal: AbortSignal;
}

/** What the processes of each side use. */
export interface Groups {
  readonly frontend: ProcessGroup;
  readonly nodes: ProcessGroup;
}

/** How much of a command's complaint is kept. */
const COMPLAINT_CHARACTERS = 2000;

/** Runs one contender from clean nodes to compared files, and cleans up behind it. */
export async function runHeat(options: HeatOptions): Promise<HeatRecord> {
  const { lab, place, contender, round, groups } = options;
  await clean(lab);
  await mkdir(join(lab.frontend.labnode, 'out'));
  await mkdir(join(lab.frontend.labnode, 'released'));
  if (contender.preparation) await shell(lab, lab.frontend, contender.preparation(place));
  const released = new GivenBack(lab);
  const command = contender.command(place);
  const before = await linkBytes(lab);
  const senders = watchSenders(lab);
  const frontendUse = groups.frontend.watch();
  const nodesUse = groups.nodes.watch();
  const watch = watchArrivals({
    directories: [directoryOf(lab, 'out'), directoryOf(lab, 'released')],
    onNew: released.see,
  });
  const ended = await runCommand(options, command);
  const arrivals = watch.stop();
  const use = { frontendUse: await frontendUse.stop(), nodesUse: await nodesUse.stop() };
  const peakSenders = senders.stop();
  const after = await linkBytes(lab);
  await released.undo();
  const nodes = await judge(options, arrivals);
  const agentsUpSeconds = agentsUp(lab);
  await clean(lab);
  return {
    contender: contender.name,
    round,
    command,
    ...ended,
    nodes,
    frontendBytes: after.frontend - before.frontend,
    nodesBytes: after.nodes - before.nodes,
    peakSenders,
    ...use,
    agentsUpSeconds,
  };
}

/** What the frontend's link brought, and what the nodes' links took, so far. */
async function linkBytes(lab: Lab): Promise<Record<'frontend' | 'nodes', number>> {
  const sent = await Promise.all(lab.nodes.map(async (node) => lab.bytesSent(node)));
  const nodes = sent.reduce((sum, bytes) => sum + bytes, 0);
  return { frontend: await lab.bytesReceived(lab.frontend), nodes };
}

/**
 * Takes a node that was released off the network at once, as if somebody else had it now: a release
 * that comes too early cannot pass unnoticed.
 */
class GivenBack {
  readonly #lab: Lab;
  readonly #switches: { readonly node: LabHost; readonly off: Promise<void> }[] = [];

  constructor(lab: Lab) {
    this.#lab = lab;
  }

  readonly see = (path: string): void => {
    if (basename(dirname(path)) !== 'released') return;
    const node = this.#lab.host(basename(path));
    this.#switches.push({ node, off: this.#lab.linkDown(node) });
  };

  async undo(): Promise<void> {
    for (const { node, off } of this.#switches) {
      await off;
      await this.#lab.linkUp(node);
    }
  }
}

type Ended = Pick<HeatRecord, 'exitCode' | 'complaint' | 'seconds'>;

async function runCommand(options: HeatOptions, command: string): Promise<Ended> {
  const { lab, limitSeconds, groups, signal } = options;
  // It waits for a line, so that all that it starts belongs to the group.
  const argv = ['sh', '-c', 'read -r go; exec sh -c "$1" </dev/null', 'sh', command];
  const child = lab.exec(lab.frontend, argv, { stdio: ['pipe', 'ignore', 'pipe'] });
  groups.frontend.join(child.pid === undefined ? [] : [child.pid]);
  let complaint = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-COMPLAINT_CHARACTERS);
  });
  const limit = AbortSignal.timeout(Math.ceil(limitSeconds * 1000));
  limit.addEventListener('abort', () => {
    complaint += `\nstopped after ${limitSeconds.toFixed(0)} s`;
  });
  const end = AbortSignal.any([limit, signal]);
  end.addEventListener('abort', () => void killCommand(lab));
  const startMs = performance.now();
  child.stdin?.end('go\n');
  const exitCode = await exitOf(child);
  return { exitCode, complaint: complaint.trim(), seconds: (performance.now() - startMs) / 1000 };
}

async function killCommand(lab: Lab): Promise<void> {
  await killProcesses([lab.frontend.namespace], (name) => !name.startsWith('sshd'));
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.on('error', reject).on('close', resolve);
  return promise;
}

/** What arrived from each node and when, compared with the node's own file. */
async function judge(
  { lab, contender, imageBytes }: HeatOptions,
  arrivals: ReadonlyMap<string, number>,
): Promise<readonly NodeRecord[]> {
  const snapshots = await snapshotsOf(lab, contender);
  const momentOf = (path = ''): number | null => arrivals.get(directoryOf(lab, path)) ?? null;
  const records: NodeRecord[] = [];
  for (const node of lab.nodes) {
    const { arrival } = contender;
    const path = arrival.kind === 'file' ? arrival.path(node.name) : snapshots.get(node.name);
    const completeSeconds = momentOf(path);
    const released = momentOf(`released/${node.name}`);
    records.push({
      node: node.name,
      imageBytes: imageBytes.get(node.name) ?? 0,
      completeSeconds,
      releasedSeconds: contender.releases ? released : completeSeconds,
      isIdentical: completeSeconds !== null && (await isIdentical(lab, node, contender)),
    });
  }
  return records;
}

async function isIdentical(lab: Lab, node: LabHost, { arrival }: Contender): Promise<boolean> {
  const copy = arrival.kind === 'file' ? arrival.path(node.name) : `out/${node.name}.img`;
  try {
    if (arrival.kind === 'snapshot') {
      await shell(lab, lab.frontend, arrival.restore.replaceAll('{node}', node.name));
    }
    await runTool(['cmp', '--', directoryOf(lab, copy), imageOf(node)]);
    return true;
  } catch {
    return false;
  }
}

/** The file that stands for each node's snapshot, by the store's own list. */
async function snapshotsOf(lab: Lab, { arrival }: Contender): Promise<ReadonlyMap<string, string>> {
  if (arrival.kind === 'file') return new Map();
  try {
    const listed = JSON.parse(await shell(lab, lab.frontend, arrival.list)) as {
      readonly hostname: string;
      readonly id: string;
    }[];
    return new Map(listed.map(({ hostname, id }) => [hostname, `out/snapshots/${id}`]));
  } catch {
    // Nothing can be read from it: no node's image is there.
    return new Map();
  }
}

/** When Kget+'s last agent was up, by its own report. */
function agentsUp(lab: Lab): number | null {
  const file = directoryOf(lab, 'out/.kgetplus/report.json');
  if (!existsSync(file)) return null;
  const { nodes } = parseReport({ text: readFileSync(file, 'utf8'), file });
  return Math.max(...nodes.map((node) => node.readySeconds ?? Number.NaN));
}

/**
 * Removes what a heat left, processes too; agents that Kget+ keeps on the nodes stay, like any
 * installed tool.
 */
async function clean(lab: Lab): Promise<void> {
  const namespaces = [lab.frontend, ...lab.nodes].map((host) => host.namespace);
  await killProcesses(namespaces, (name) => !name.startsWith('sshd'));
  const paths = [
    directoryOf(lab, 'out'),
    directoryOf(lab, 'released'),
    ...lab.nodes.map((node) => join(node.labnode, 'home/.cache/kgetplus/spool')),
  ];
  await Promise.all(paths.map(async (path) => rm(path, { recursive: true, force: true })));
}

async function shell(lab: Lab, host: LabHost, command: string): Promise<string> {
  return lab.run(host, ['sh', '-c', command]);
}

function directoryOf(lab: Lab, path: string): string {
  return join(lab.frontend.labnode, path);
}
