import { diceOf } from '../fuzz/dice.ts';
import type { Failure } from '../src/base/error.ts';
import type { CoordinatorMessage } from '../src/control/messages.ts';
import { createCluster, TARGET } from './cluster.ts';
import { inflict, victimOf } from './faults.ts';
import { clearOpenFiles } from './machine/open-files.ts';
import { type Host, type Process, ProcessDied } from './machine/process.ts';
import type { SimulatedSocket } from './machine/socket.ts';
import { resetListeners } from './machine/tls.ts';
import { notePoint } from './points.ts';
import { createRules } from './rules.ts';
import { type Fault, FRONTEND_HOST, type Scenario } from './scenario.ts';
import type { Stage, Watching } from './stage.ts';

/** How often, and how far apart, a copy is looked for that is to be damaged where it lies. */
const LOOKS_FOR_COPIES = 60;
const LOOK_MS = 5;

/** Sets a scenario up. There is one stage at a time. */
export function createStage(scenario: Scenario, watching: Watching): Stage {
  const dice = diceOf(`story ${scenario.seed}`);
  const gone = new Set<Host>();
  const connections = new Set<SimulatedSocket>();
  /** Nodes whose release command has succeeded since they were started. */
  const given = new Set<string>();
  /** Nodes that were told to leave, and not started since. */
  const away = new Set<string>();
  let due: readonly Fault[] = scenario.faults;
  clearOpenFiles();
  const cluster = createCluster(scenario, dice, { onEffect, onFault });
  const { timeline } = cluster.machine;
  const rules = createRules(scenario, cluster, gone);
  const stage: Stage = {
    scenario,
    dice,
    cluster,
    rules,
    gone,
    connections,
    failingHooks: new Map(),
    inflicted: {},
    taps: { launched, ordered },
    effects: 0,
    attempt: 0,
    command: undefined,
    trace,
    awaitFaults,
    giveBack,
  };
  resetListeners({ opened, closed: (client) => connections.delete(client) });
  for (const host of cluster.hosts.values()) {
    host.disk.onName = (change, path) => {
      if (change === 'renamed') rules.checkNames(host, path);
      if (change === 'removed') rules.checkCopies(`when a file was removed on ${host.name}`);
    };
  }
  return stage;

  function trace(line: string): void {
    watching.trace?.(`${(timeline.nowMs() / 1000).toFixed(4)} ${line}`);
  }

  function onEffect(process: Process, effect: string): void {
    stage.effects += 1;
    if (watching.notesAll) notePoint(watching.points, 'seen');
    const now = due.find(
      (fault) =>
        'beforeEffect' in fault.when &&
        'victim' in fault &&
        fault.when.attempt === stage.attempt &&
        process.effects >= fault.when.beforeEffect &&
        victimOf(fault.victim, stage) === process,
    );
    if (now === undefined) return;
    if (now.kind === 'kill' || now.kind === 'power') notePoint(watching.points, 'crashed');
    trace(`before "${effect}" of ${process.name}:`);
    bring(now);
  }

  function onFault(process: Process, error: unknown): void {
    if (error instanceof ProcessDied || process.state === 'dead') return;
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    rules.broken('fault', `${process.name} on ${process.host.name}: ${what}`);
  }

  function bring(fault: Fault, tries = 1): void {
    due = due.filter((other) => other !== fault);
    const hit = inflict(fault, stage);
    if (!hit && fault.kind === 'flip-at-rest' && tries < LOOKS_FOR_COPIES) {
      // Copies do not stay for long.
      timeline.after(LOOK_MS, () => bring(fault, tries + 1));
      return;
    }
    trace(`fault ${JSON.stringify(fault)}${hit ? '' : ' (hits nothing)'}`);
    if (hit) stage.inflicted[fault.kind] = (stage.inflicted[fault.kind] ?? 0) + 1;
  }

  function awaitFaults(): void {
    for (const fault of due) {
      const { when } = fault;
      if (when.attempt !== stage.attempt || !('afterMs' in when)) continue;
      timeline.after(when.afterMs, () => {
        if (due.includes(fault) && stage.attempt === when.attempt) bring(fault);
      });
    }
  }

  function opened(client: SimulatedSocket): void {
    connections.add(client);
    if (client.process.name !== 'frontend') return;
    // One whose image has arrived is closing, and carries nothing.
    const sending = [...connections].filter(
      ({ process, writable }) => process === client.process && writable,
    );
    const senders = new Set(sending.map(({ peer }) => peer?.process.host.name));
    if (senders.size > scenario.senders) rules.broken(4, `${[...senders].join(', ')} send at once`);
  }

  function launched(node: string): void {
    trace(`launch ${node}`);
    // Each release is followed by a release command of its own.
    given.delete(node);
    away.delete(node);
  }

  function ordered(node: string, message: CoordinatorMessage): void {
    trace(`> ${node}: ${JSON.stringify(message).slice(0, 160)}`);
    if (message.type === 'leave') away.add(node);
    if (message.type !== 'receive') return;
    for (const name of [node, message.from.node]) {
      if (!away.has(name)) continue;
      rules.broken(5, `${name} is to move ${message.image.id}, and was released`);
    }
  }

  function giveBack(node: string): Promise<Failure | undefined> {
    const left = stage.failingHooks.get(node) ?? 0;
    trace(`release of ${node}${left > 0 ? ' fails' : ''}`);
    rules.givenBack(node);
    if (left > 0) {
      stage.failingHooks.set(node, left - 1);
      return Promise.resolve({ code: 'internal', message: `${node} stays (simulated)` });
    }
    if (given.has(node) && isNoted(node)) {
      rules.broken(7, `the release command of ${node} ran again, although its success was noted`);
    }
    given.add(node);
    const host = cluster.host(node);
    if (dice.below(100) < scenario.wipedPercent && !gone.has(host)) {
      gone.add(host);
      cluster.losePower(host);
      rules.checkCopies(`when ${node} was given back`);
    }
    return Promise.resolve(undefined);
  }

  function isNoted(node: string): boolean {
    const file = cluster.host(FRONTEND_HOST).disk.find(`${TARGET}/.kgetplus/journal.jsonl`);
    const text = file?.kind === 'file' ? file.content.toString() : '';
    return text.includes(`"type":"given-back","node":"${node}"`);
  }
}
