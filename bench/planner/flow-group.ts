import type { FluidCluster, NodeGroup } from './fluid-cluster.ts';

/** A group as it is in linear programs, whose flows are of bytes that are in one place each. */
export interface FlowGroup extends NodeGroup {
  /** What a node sends; `upRate` keeps it only from being released before it sent its own. */
  readonly sendRate: number;
}

/**
 * The groups of a cluster. If c copies are asked for, a node can take and has room for the c-th
 * part, and may send as much as it wants: every schedule is a flow under these terms.
 *
 * Take any schedule. A byte counts as c tokens of 1/c; they begin at its origin and end at the
 * frontend when that receives the byte. On their way they are at different nodes, at each from the
 * moment at which it receives the byte and no longer than until its release. Such ways exist: go
 * back in time from the frontend's receipt. Since the last release of a holder there are c holders
 * at least, or the origin is there still; in the latter case all tokens come from there. Else put
 * the tokens at c of them. Before the moment at which one of these received the byte, its token was
 * at the origin, if that was there, or at one of c others, of which the other tokens have c − 1.
 * So, for each byte that a node receives, it takes one token at most, at that very moment. Who sent
 * it may be another than whom the token leaves; hence there is no limit on sending.
 */
export function flowGroups({ groups, copies }: FluidCluster): FlowGroup[] {
  return groups.map(({ loads, upRate, downRate, room, weight }) => ({
    loads,
    upRate,
    sendRate: copies === 1 ? upRate : Infinity,
    downRate: downRate / copies,
    room: room / copies,
    weight,
  }));
}
