import { basename, dirname, join } from 'node:path';
import { makePrivate } from '../content/private-directory.ts';

/** Where on a node lies what belongs to machines: one directory, for its user alone. */
export interface NodePlace {
  readonly directory: string;
  /** Where disks lie that machines write to, if hosts share it; otherwise null. */
  readonly shared: string | null;
  /** The hypervisor's own. */
  readonly hypervisor: string;
  /** A directory for each machine. */
  readonly vms: string;
  /** A directory for each cut: snapshots under names that are unique on the node. */
  readonly cuts: string;
  /** Memory that machines will take which do not run yet. */
  readonly reservations: string;
}

/** Files of one machine. */
export interface MachinePaths {
  readonly directory: string;
  /** What the machine is: it is ours, and there, as long as this is. */
  readonly record: string;
  readonly job: string;
  /** Its last part is unique on the node. */
  readonly outputs: string;
  /** There while what hosts share belongs to the machine on another one. */
  readonly elsewhere: string;
  readonly status: string;
  readonly log: string;
  readonly console: string;
  /** What the job runner and the command had said on hosts before this one. */
  readonly earlierStatus: string;
  readonly earlierLog: string;
  /** There while the machine stands still for a cut. */
  readonly cut: string;
  /** The hypervisor's copy of the latest snapshot, which the next one brings forward. */
  readonly snapshot: string;
}

/**
 * Makes the directory of a node and those in it, for this user alone.
 * @throws KgetError `target-unwritable`
 */
export function openPlace(directory: string, shared: string | null = null): NodePlace {
  const make = (name: string): string => makePrivate(dirname(directory), [base, name]);
  const base = basename(directory);
  return {
    directory,
    shared: shared === null ? null : makePrivate(shared, ['outputs']),
    hypervisor: make('hypervisor'),
    vms: make('vms'),
    cuts: make('cuts'),
    reservations: make('reservations'),
  };
}

export function machinePaths(place: NodePlace, vm: string): MachinePaths {
  const directory = join(place.vms, vm);
  return {
    directory,
    record: join(directory, 'machine.json'),
    job: join(directory, 'job.tar'),
    outputs: join(place.shared ?? directory, `${vm}-outputs.tar`),
    elsewhere: join(directory, 'elsewhere'),
    status: join(directory, 'status'),
    log: join(directory, 'log'),
    console: join(directory, 'console'),
    earlierStatus: join(directory, 'earlier-status'),
    earlierLog: join(directory, 'earlier-log'),
    cut: join(directory, 'cut'),
    snapshot: join(directory, 'snapshot'),
  };
}
