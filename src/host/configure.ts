import type { Clock } from '../base/clock.ts';
import { freeBytes } from '../content/room.ts';
import type { RequestOf, ResultOf } from '../control/calls.ts';
import type { HostCalls } from '../control/host-calls.ts';
import type { Hypervisor } from '../hypervisor/hypervisor.ts';
import { createAdmission } from './admission.ts';
import type { ImageCache, ImageCacheOptions } from './cache/image-cache.ts';
import { usedFiles } from './compose-spec.ts';
import { createCuts } from './cuts.ts';
import type { HostFacts } from './host-facts.ts';
import { readMachineRecords } from './machine-files.ts';
import type { Node } from './node.ts';
import { openPlace } from './node-place.ts';
import { createTurns } from './turns.ts';

/** What a host keeps for itself: its system, and what QEMU takes besides the guests' memory. */
const RESERVE_SHARE = 0.05;
const MIN_RESERVE_BYTES = 256 * 1024 * 1024;

/** What machines write to lies in `shared`, if hosts share it. */
type HypervisorFactory = (directory: string, shared: string | null) => Hypervisor;

export interface HostOptions {
  readonly clock: Clock;
  readonly facts: HostFacts;
  /** Where ssh came from; null without ssh. */
  readonly callerAddress: string | null;
  /** Where all lies that belongs to machines, unless the coordinator names another place. */
  readonly defaultDirectory: string;
  /** Each gets a directory of its own. */
  readonly hypervisors: Readonly<Record<'qemu' | 'libvirt', HypervisorFactory>>;
  openCache(options: ImageCacheOptions): Promise<ImageCache>;
  /** Something that the coordinator's user should know. */
  onNotice(text: string): void;
}

export type Configuration = RequestOf<HostCalls, 'configure'>;
export type Summary = ResultOf<HostCalls, 'configure'>;

/**
 * Sets a host agent up.
 * @throws KgetError `target-unwritable`; `unreachable`, `version` of the hypervisor
 */
export async function configureNode(
  options: HostOptions,
  configuration: Configuration,
  signal: AbortSignal,
): Promise<{ node: Node; summary: Summary }> {
  const { clock, facts, onNotice } = options;
  const shared = configuration.sharedDirectory ?? null;
  const place = openPlace(configuration.directory ?? options.defaultDirectory, shared);
  const limitBytes = configuration.memoryLimitBytes ?? facts.memoryBytes - reserveOf(facts);
  const { hypervisor: kind, identity, chunkSizeBytes } = configuration;
  const hypervisor =
    kind === 'none' ? null : options.hypervisors[kind](`${place.hypervisor}/${kind}`, shared);
  const found = hypervisor && (await hypervisor.probe(signal));
  const turns = createTurns();
  const machines = hypervisor &&
    found && {
      arch: found.arch,
      hypervisor,
      admission: createAdmission({
        clock,
        node: configuration.node,
        place,
        hypervisor,
        limitBytes,
        availableBytes: () =>
          configuration.memoryLimitBytes === null
            ? Math.max(facts.availableBytes() - reserveOf(facts), 0)
            : null,
      }),
      cuts: createCuts({ clock, place, hypervisor, turns, onNotice }),
      turns,
    };
  const cache = await options.openCache({
    directory: place.directory,
    clock,
    identity,
    chunkSizeBytes,
    onNotice,
    isInUse: (digest) =>
      [...readMachineRecords(place).values()]
        .flatMap(usedFiles)
        .some((file) => file.digest === digest),
  });
  await machines?.cuts.recover();
  return {
    node: { name: configuration.node, identity, clock, facts, place, cache, machines },
    summary: {
      port: cache.port,
      callerAddress: options.callerAddress,
      arch: found?.arch ?? facts.arch,
      hypervisor: found && { version: found.version, accelerator: found.accelerator },
      roomBytes: freeBytes(place.directory),
      memoryBytes: limitBytes,
      cpus: facts.cpus,
    },
  };
}

function reserveOf({ memoryBytes }: HostFacts): number {
  return Math.max(Math.round(memoryBytes * RESERVE_SHARE), MIN_RESERVE_BYTES);
}
