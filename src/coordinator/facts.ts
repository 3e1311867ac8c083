import { assert } from '../base/assert.ts';
import type { Failure } from '../base/error.ts';
import type { Sketch } from '../base/sketch.ts';
import type { AgentMessage } from '../control/messages.ts';

/**
 * What the coordinator knows of a run: the source of progress lines and of the report. Times are
 * seconds since the start of the command.
 */
export interface RunFacts {
  readonly nodes: Map<string, NodeFacts>;
  readonly images: Map<string, ImageFacts>;
  readonly transfers: Map<string, TransferFacts>;
  readonly failures: RunFailure[];
  sendersAllowed: number;
  /** The frontend's link, or the limit of what it receives if that is less; null if unknown. */
  frontendBytesPerSecond: number | null;
}

/**
 * - `starting`: its agent is not up, or has not named its images yet.
 * - `working`: it holds or receives images.
 * - `leaving`: nothing is needed of it any more; its agent is told to leave.
 * - `released`: its agent has left; the host may be given back.
 * - `held`: the run is over and an image on it is not safe elsewhere.
 * - `failed`: it could not be reached, was lost, or had none of what was asked for.
 */
type NodeState = 'starting' | 'working' | 'leaving' | 'released' | 'held' | 'failed';

export interface NodeFacts {
  readonly name: string;
  state: NodeState;
  /** Something on it cannot be gathered: unreadable, or with the name of another image. */
  keepsMore: boolean;
  readySeconds: number | null;
  releasedSeconds: number | null;
  /** Room for images of others; null until its agent is up. */
  roomBytes: number | null;
  /** Its link each way, or the run's limit of it if that is less; null if unknown. */
  linkBytesPerSecond: number | null;
}

/**
 * What the origin of an image says of its contents.
 *
 * - `none`: nothing: it takes no part, or is gone.
 * - `awaited`: it has named the image and will say when it has scanned it.
 * - `given`: `digest` is what it has said.
 * - `refused`: it cannot scan the image.
 */
type Vouch = 'none' | 'awaited' | 'given' | 'refused';

export interface ImageFacts {
  readonly id: string;
  readonly node: string;
  readonly path: string;
  readonly sizeBytes: number;
  dataBytes: number | null;
  /** Null until its origin has scanned it. */
  sketch: Sketch | null;
  /** What it takes on disk, as far as is known. */
  neededBytes: number;
  state: 'moving' | 'safe' | 'missing';
  /**
   * How its last copy came where it is: the nodes that held it in turn, the origin first; empty
   * while nobody is known to hold it.
   */
  readonly route: string[];
  /** Nodes that this run gave a durable copy and has not told to drop it, with its `route`. */
  readonly relayed: Map<string, readonly string[]>;
  /** SHA-256 over its digests, as its origin or, without one, its first receiver has told. */
  digest: string | null;
  vouch: Vouch;
  /**
   * What receivers said of copies, by transfer, that came while the image's origin was still to
   * vouch: none of them counts yet.
   */
  readonly heldBack: Map<string, Extract<AgentMessage, { type: 'received' }>>;
}

export interface TransferFacts {
  readonly id: string;
  readonly image: string;
  readonly from: string;
  readonly to: string;
  readonly startSeconds: number;
  /** The sender knew all digests when it started: hashing did not hold it up. */
  readonly afterScan: boolean;
  /** When the last byte arrived or the transfer failed; null while bytes still come. */
  endSeconds: number | null;
  state: 'moving' | 'arrived' | 'done' | 'failed';
  /** When its receiver last told its counters. */
  heardSeconds: number;
  wireBytes: number;
  doneBytes: number;
  chunks: number;
}

export interface RunFailure extends Failure {
  readonly node: string | null;
  readonly path: string | null;
}

export function createFacts(nodes: readonly string[], sendersAllowed: number): RunFacts {
  const starting = nodes.map((name): [string, NodeFacts] => [
    name,
    {
      name,
      state: 'starting',
      keepsMore: false,
      readySeconds: null,
      releasedSeconds: null,
      roomBytes: null,
      linkBytesPerSecond: null,
    },
  ]);
  return {
    nodes: new Map(starting),
    images: new Map(),
    transfers: new Map(),
    failures: [],
    sendersAllowed,
    frontendBytesPerSecond: null,
  };
}

/** An image's name in a run: unique, and readable in messages. */
export function imageId(node: string, path: string): string {
  return `${node}:${path}`;
}

export function nodeOf(facts: RunFacts, name: string): NodeFacts {
  const node = facts.nodes.get(name);
  assert(node !== undefined, `node ${name} takes part in the run`);
  return node;
}

export function imageOf(facts: RunFacts, id: string): ImageFacts {
  const image = facts.images.get(id);
  assert(image !== undefined, `image ${id} is known`);
  return image;
}

/** How the copy that `holder` has came there: by this run, or by an earlier one, if not its own. */
export function routeTo(image: ImageFacts, holder: string): readonly string[] {
  if (holder === image.node) return [holder];
  return image.relayed.get(holder) ?? [image.node, holder];
}

/** The images that are not safe on the frontend, of one node or of all. */
export function unsafeImages(facts: RunFacts, node?: string): ImageFacts[] {
  return [...facts.images.values()].filter(
    (image) => image.state !== 'safe' && (node === undefined || image.node === node),
  );
}
