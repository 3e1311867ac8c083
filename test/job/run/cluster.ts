import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after } from 'node:test';
import type { Clock } from '../../../src/base/clock.ts';
import { KgetError } from '../../../src/base/error.ts';
import { answerMessage, callMessage } from '../../../src/control/calls.ts';
import type { AnswerMessage, CallMessage } from '../../../src/control/calls.ts';
import type { Channel, Launcher } from '../../../src/control/channel.ts';
import type { DeployedFile } from '../../../src/control/host-calls.ts';
import { memoryPair } from '../../../src/control/memory-channel.ts';
import { runHost } from '../../../src/host/host.ts';
import type { Hypervisor } from '../../../src/hypervisor/hypervisor.ts';
import type { GuestScript } from '../../../src/hypervisor/simulated/guest.ts';
import { simulatedHypervisor } from '../../../src/hypervisor/simulated/simulated.ts';
import { simulatedWorld, type SimulatedHost } from '../../../src/hypervisor/simulated/world.ts';
import {
  FACTS,
  JOB_SCRIPT,
  MEBIBYTE,
  stubCache,
  temporaryDirectory,
  type StubCache,
} from '../../host/fixture.ts';
import { busyClock } from '../../host/busy-clock.ts';

/** What may be wrong with the nodes of a cluster. */
export interface ClusterOptions {
  readonly nodes?: readonly string[];
  /** What the guest of a machine does. */
  scriptOf?(vm: string): GuestScript;
  /** A node's hypervisor, with what is wrong with it. */
  wrap?(node: string, hypervisor: Hypervisor, clock: Clock): Hypervisor;
}

export interface ClusterNode {
  readonly name: string;
  readonly directory: string;
  readonly simulated: SimulatedHost;
  readonly cache: StubCache;
}

/** Simulated hosts with real host agents, which outlive whoever drives a job on them. */
export interface Cluster {
  readonly clock: Clock;
  readonly nodes: ReadonlyMap<string, ClusterNode>;
  /** What machines start from; it is on no node to begin with. */
  readonly image: DeployedFile;
  readonly launcher: Launcher<CallMessage, AnswerMessage>;
  node(name: string): ClusterNode;
  isDead(node: string): boolean;
  /** The power of a node is cut: its machines and agents are gone, what is on disk stays. */
  die(node: string): void;
  /** Its agents are killed, and can be started again; machines run on. */
  loseAgents(node: string): void;
  revive(node: string): void;
  /** Brings the image to a node. */
  bringImage(node: string): void;
  /** Nothing of machines is on any node. */
  assertClean(nodes?: readonly string[]): void;
}

const IMAGE_BYTES = Buffer.alloc(65_536, 'image');

export function cluster(options: ClusterOptions = {}): Cluster {
  const { nodes: names = ['kn01', 'kn02', 'kn03'], scriptOf = () => JOB_SCRIPT } = options;
  const clock = busyClock();
  const world = simulatedWorld({ clock });
  const root = temporaryDirectory();
  const dead = new Set<string>();
  const channels = new Map<string, Set<Channel<AnswerMessage, CallMessage>>>();
  const nodes = new Map(names.map((name) => [name, addNode(name)]));

  function addNode(name: string): ClusterNode {
    const simulated = world.addHost({
      name,
      memoryBytes: 1024 * 1024 * MEBIBYTE,
      diskBytesPerSecond: 100 * MEBIBYTE,
      linkBytesPerSecond: 100 * MEBIBYTE,
      pauseMs: 50,
      scriptOf: ({ name: vm }) => scriptOf(vm),
    });
    after(() => simulated.reset());
    const directory = join(root, name, 'kgetplus');
    channels.set(name, new Set());
    return { name, directory, simulated, cache: stubCache(directory) };
  }

  function node(name: string): ClusterNode {
    return nodes.get(name) ?? assert.fail(`there is no ${name}`);
  }

  function loseAgents(name: string): void {
    for (const channel of channels.get(name) ?? []) channel.close();
    channels.get(name)?.clear();
  }

  async function launch(name: string, signal: AbortSignal) {
    // As ssh, it takes a while.
    await clock.sleep(100, signal);
    if (signal.aborted) throw new KgetError('cancelled', `Stopped starting ${name} on request`);
    if (dead.has(name))
      throw new KgetError('unreachable', `Cannot reach ${name}: no route to host`);
    const [here, there] = memoryPair<CallMessage, AnswerMessage>({
      here: { schema: answerMessage, peer: `the host agent on ${name}` },
      there: { schema: callMessage, peer: 'the coordinator' },
    });
    channels.get(name)?.add(there);
    const { simulated, directory, cache } = node(name);
    const plain = simulatedHypervisor({ host: simulated });
    const hypervisor = options.wrap?.(name, plain, clock) ?? plain;
    void runHost({
      channel: there,
      clock,
      facts: FACTS,
      callerAddress: null,
      defaultDirectory: directory,
      hypervisors: { qemu: () => hypervisor, libvirt: () => hypervisor },
      openCache: async () => cache,
      stop: new AbortController().signal,
    });
    return { channel: here, address: name };
  }

  const image = node(names[0] ?? '').cache.put(IMAGE_BYTES);

  return {
    clock,
    nodes,
    image,
    launcher: { launch },
    node,
    isDead: (name) => dead.has(name),
    die(name) {
      dead.add(name);
      loseAgents(name);
      node(name).simulated.reset();
    },
    loseAgents,
    revive: (name) => void dead.delete(name),
    bringImage: (name) => void node(name).cache.put(IMAGE_BYTES),
    assertClean(which = names) {
      for (const name of which) {
        const { simulated, directory } = node(name);
        assert.deepEqual([...simulated.machines.keys()], [], `machines on ${name}`);
        for (const kind of ['vms', 'cuts', 'reservations']) {
          const place = join(directory, kind);
          assert.deepEqual(existsSync(place) ? readdirSync(place) : [], [], place);
        }
      }
    },
  };
}
