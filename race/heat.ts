import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { killProcesses } from '../lab/processes.ts';
import { watchArrivals } from './arrivals.ts';
import { runCommand } from './command.ts';
import { onFrontend, shell } from './frontend.ts';
import { GivenBack } from './given-back.ts';
import { watchSenders } from './senders.ts';
import { agentsUp, judge } from './verdict.ts';
import type { Lab } from '../lab/lab.ts';
import type { Place } from './contenders.ts';
import type { HeatRecord } from './record.ts';
import type { ProcessGroup } from './use.ts';
import type { JudgeOptions } from './verdict.ts';

export interface HeatOptions extends JudgeOptions {
  readonly place: Place;
  readonly round: number;
  /** A contender that takes longer is killed. */
  readonly limitSeconds: number;
  readonly groups: Groups;
  /** Ends the contender early. */
  readonly signal: AbortSignal;
}

/** What the processes of each side use. */
export interface Groups {
  readonly frontend: ProcessGroup;
  readonly nodes: ProcessGroup;
}

/** Runs one contender from clean nodes to compared files, and cleans up behind it. */
export async function runHeat(options: HeatOptions): Promise<HeatRecord> {
  const { lab, place, contender, round, groups } = options;
  await clean(lab);
  await mkdir(onFrontend(lab, 'out'));
  await mkdir(onFrontend(lab, 'released'));
  if (contender.preparation) await shell(lab, contender.preparation(place));
  const released = new GivenBack(lab);
  const command = contender.command(place);
  const startedAt = new Date().toISOString();
  const [version = ''] = (await shell(lab, contender.version)).split('\n');
  const before = await linkBytes(lab);
  const senders = watchSenders(lab);
  const frontendUse = groups.frontend.watch();
  const nodesUse = groups.nodes.watch();
  const watch = watchArrivals({
    directories: [onFrontend(lab, 'out'), onFrontend(lab, 'released')],
    onNew: released.see,
  });
  const ended = await runCommand(command, { ...options, group: groups.frontend });
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
    startedAt,
    version,
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
 * Removes what a heat left, processes too; agents that Kget+ keeps on the nodes stay, like any
 * installed tool.
 */
async function clean(lab: Lab): Promise<void> {
  const namespaces = [lab.frontend, ...lab.nodes].map((host) => host.namespace);
  await killProcesses(namespaces, (name) => !name.startsWith('sshd'));
  const paths = [
    onFrontend(lab, 'out'),
    onFrontend(lab, 'released'),
    ...lab.nodes.map((node) => join(node.labnode, 'home/.cache/kgetplus/spool')),
  ];
  await Promise.all(paths.map(async (path) => rm(path, { recursive: true, force: true })));
}
