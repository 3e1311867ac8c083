import { inProcess } from './cluster.ts';
import { systemError } from './machine/disk.ts';
import { endProcess, type Host, type Process } from './machine/process.ts';
import { type Fault, FRONTEND_HOST, type Victim } from './scenario.ts';
import type { Stage } from './stage.ts';

/** Does a fault; false if there was nothing to do it to. */
export function inflict(fault: Fault, stage: Stage): boolean {
  const { cluster, gone } = stage;
  const { timeline, network, dice } = cluster.machine;
  switch (fault.kind) {
    case 'kill': {
      const process = victimOf(fault.victim, stage);
      if (process === undefined) return false;
      endProcess(process, 'kill');
      return true;
    }
    case 'power': {
      const host = victimOf(fault.victim, stage)?.host;
      if (host === undefined) return false;
      cluster.losePower(host);
      for (const other of cluster.hosts.values()) stage.rules.checkNames(other);
      // A frontend is started by its operator; nodes come back by themselves.
      const offMs = 1000 + dice.below(60_000);
      if (host.name !== FRONTEND_HOST) {
        timeline.after(offMs, () => {
          if (!gone.has(host)) cluster.restorePower(host);
        });
      }
      return true;
    }
    case 'stop': {
      const process = victimOf(fault.victim, stage);
      if (process === undefined) return false;
      process.stoppedUntilMs = timeline.nowMs() + fault.durationMs;
      return true;
    }
    case 'vanish': {
      const host = cluster.host(fault.node);
      if (gone.has(host)) return false;
      stage.rules.hostVanishes(host);
      gone.add(host);
      cluster.losePower(host);
      return true;
    }
    case 'cut-channel': {
      const agent = cluster.agents.get(fault.node);
      agent?.link.cut();
      return agent !== undefined;
    }
    case 'reset-connections': {
      const hit = [...stage.connections].filter(
        ({ process, peer }) =>
          process.host.name === fault.node || peer?.process.host.name === fault.node,
      );
      for (const socket of hit) {
        socket.peer?.fail(systemError('ECONNRESET', 'read'));
        socket.fail(systemError('ECONNRESET', 'read'));
      }
      return hit.length > 0;
    }
    case 'isolate': {
      const host = cluster.host(fault.node);
      network.isolate(host, true);
      timeline.after(fault.durationMs, () => network.isolate(host, false));
      return true;
    }
    case 'slow-link':
      network.slowDown(cluster.host(fault.node), fault.times);
      return true;
    case 'slow-disk':
      cluster.host(fault.host).diskSlowness = fault.times;
      return true;
    case 'failing-syncs':
      cluster.host(fault.host).failingSyncs = fault.count;
      return true;
    case 'flip-read':
      cluster.host(fault.node).flippedReads = 1;
      return true;
    case 'flip-at-rest':
      return flipAtRest(cluster.host(fault.node), stage);
    case 'full-disk': {
      const { disk } = cluster.host(fault.host);
      disk.capacityBytes = disk.usedBytes() + fault.roomBytes;
      return true;
    }
    case 'failing-hook':
      stage.failingHooks.set(fault.node, fault.count);
      return true;
    case 'clock':
      cluster.host(fault.host).clockAheadMs += fault.aheadMs;
      return true;
    case 'interrupt':
      return interrupt(stage);
  }
}

/** The storm is over: what is not gone for good works. */
export function calm({ cluster, gone, failingHooks }: Stage): void {
  const { network } = cluster.machine;
  for (const host of cluster.hosts.values()) {
    host.diskSlowness = 1;
    host.failingSyncs = 0;
    host.flippedReads = 0;
    host.disk.capacityBytes = Infinity;
    network.slowDown(host, 1);
    network.isolate(host, false);
    if (host.isDown && !gone.has(host)) cluster.restorePower(host);
    for (const process of host.processes) process.stoppedUntilMs = 0;
  }
  failingHooks.clear();
}

/** The process that is a victim now. */
export function victimOf(victim: Victim, { cluster, command }: Stage): Process | undefined {
  const name = typeof victim === 'object' ? victim.node : FRONTEND_HOST;
  const process = victim === 'coordinator' ? command?.process : cluster.agents.get(name)?.process;
  return process?.state === 'running' ? process : undefined;
}

/** Changes a bit of a copy that a node keeps for others. */
function flipAtRest(host: Host, { rules }: Stage): boolean {
  for (const image of rules.images) {
    if (image.bytes.length === 0) continue;
    const file = rules.spooledFile(host, image);
    if (file === undefined) continue;
    rules.copyDamaged(host, image, file);
    for (const view of [file.content, file.durable]) view[0] = (view[0] ?? 0) ^ 1;
    return true;
  }
  return false;
}

/** Presses Ctrl-C; false if no command runs. */
function interrupt({ command }: Stage): boolean {
  if (command === undefined || command.process.state === 'dead') return false;
  inProcess(command.process, () => command.interrupt.abort());
  return true;
}
