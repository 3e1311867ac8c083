import { setTimeout as sleep } from 'node:timers/promises';

import type { Lab } from '../lab/lab.ts';
import { processesOf, signalAll, type Role } from './field.ts';
import type { Fault } from './fault.ts';
import type { SmallDisk } from './small-disk.ts';

/** What faults are done to. */
export interface Victims {
  readonly lab: Lab;
  /** Of every link, as tc(8) writes it, and 1 % of that. */
  readonly rate: string;
  readonly slowRate: string;
  /** Links of these stay as they are: given back, they are nobody's any more. */
  readonly givenBack: ReadonlySet<string>;
  readonly spoolDisk: SmallDisk | undefined;
  readonly targetDisk: SmallDisk | undefined;
  /** Aborted when the round is done: what still lasts is undone at once. */
  readonly done: AbortSignal;
}

/** A fault and what became of it. */
export interface Strike {
  readonly drawn: Fault;
  /** As it struck: perhaps another node. */
  readonly fault: Fault;
  /** `performance.now()` of its beginning; undefined if there was nothing to strike any more. */
  readonly struckMs: number | undefined;
  /** Resolves when what has a length is over. */
  readonly over: Promise<void>;
}

/**
 * Does what a fault says, now: to its node, or to the next one that has an agent. Never rejects: a
 * process that is gone cannot be hurt.
 */
export async function strike(drawn: Fault, victims: Victims): Promise<Strike> {
  const fault = aimed(drawn, victims);
  const struckMs = performance.now();
  const hasStruck = await begin(fault, victims);
  const lasts = hasStruck && 'seconds' in fault;
  return {
    drawn,
    fault,
    struckMs: hasStruck ? struckMs : undefined,
    over: lasts ? endLater(fault, victims) : Promise.resolve(),
  };
}

/** Nodes that were released have nothing to lose; the others are gone through from the drawn one. */
function aimed(fault: Fault, { lab }: Victims): Fault {
  if (!('node' in fault) || fault.kind === 'full-spool') return fault;
  const first = lab.nodes.findIndex(({ name }) => name === fault.node);
  const inTurn = [...lab.nodes.slice(first), ...lab.nodes.slice(0, first)];
  const found = inTurn.find((node) => processesOf(node, 'agent').length > 0);
  return found === undefined ? fault : { ...fault, node: found.name };
}

/** Undoes what lasts until the command has ended. */
export async function heal(fault: Fault, victims: Victims): Promise<void> {
  if (fault.kind === 'link-gone') await raise(fault.node, victims);
  if (fault.kind === 'full-spool') victims.spoolDisk?.makeRoom();
  if (fault.kind === 'full-target') victims.targetDisk?.makeRoom();
}

/** Whether there was something to strike. */
async function begin(fault: Fault, victims: Victims): Promise<boolean> {
  const { lab, givenBack } = victims;
  switch (fault.kind) {
    case 'kill-agent':
      return send('SIGKILL', 'agent', fault.node);
    case 'kill-sshd':
      return send('SIGKILL', 'session', fault.node);
    case 'kill-receiver':
      return send('SIGKILL', 'receiver', 'frontend');
    case 'kill-coordinator':
      return send('SIGKILL', 'coordinator', 'frontend');
    case 'stop-agent':
      return send('SIGSTOP', 'agent', fault.node);
    case 'stop-receiver':
      return send('SIGSTOP', 'receiver', 'frontend');
    case 'stop-coordinator':
      return send('SIGSTOP', 'coordinator', 'frontend');
    case 'link-down':
    case 'link-gone':
      if (givenBack.has(fault.node)) return false;
      await lab.linkDown(lab.host(fault.node));
      return true;
    case 'link-slow':
      await lab.setRate(lab.host(fault.node), victims.slowRate);
      return !givenBack.has(fault.node);
    case 'full-spool':
      await victims.spoolDisk?.fill(fault.freeBytes);
      return true;
    case 'full-target':
      await victims.targetDisk?.fill(fault.freeBytes);
      return true;
    case 'failing-hook':
      return fault.nodes.length > 0;
  }

  function send(signal: NodeJS.Signals, role: Role, host: string): boolean {
    return signalAll(processesOf(lab.host(host), role), signal);
  }
}

async function endLater(
  fault: Extract<Fault, { readonly seconds: number }>,
  victims: Victims,
): Promise<void> {
  await sleep(fault.seconds * 1000, undefined, { signal: victims.done }).catch(() => {});
  const { lab, rate } = victims;
  switch (fault.kind) {
    case 'link-down':
      return raise(fault.node, victims);
    case 'link-slow':
      return lab.setRate(lab.host(fault.node), rate);
    case 'stop-agent':
      signalAll(processesOf(lab.host(fault.node), 'agent'), 'SIGCONT');
      return;
    case 'stop-receiver':
      signalAll(processesOf(lab.frontend, 'receiver'), 'SIGCONT');
      return;
    case 'stop-coordinator':
      signalAll(processesOf(lab.frontend, 'coordinator'), 'SIGCONT');
      return;
  }
}

async function raise(node: string, { lab, givenBack }: Victims): Promise<void> {
  if (!givenBack.has(node)) await lab.linkUp(lab.host(node));
}
