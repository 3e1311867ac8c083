import * as z from 'zod/mini';
import { ERROR_CODES } from '../base/error.ts';
import { SKETCH_HASH_LIMIT, SKETCH_HASHES } from '../base/sketch.ts';

/**
 * What coordinator and agents say to each other. Coordinator and agent are always of one version
 * (the agent is shipped by the coordinator), so there is no negotiation beyond the version in
 * `hello`.
 */

const failure = z.object({ code: z.enum(ERROR_CODES), message: z.string() });

/** An image by its place in the cluster; `id` is unique in a run and safe in messages and logs. */
export const imageName = z.object({
  id: z.string(),
  node: z.string(),
  path: z.string(),
  sizeBytes: z.int(),
});

/** What becomes of images on the frontend: files, each with its index, or snapshots of a store. */
const target = z.discriminatedUnion('layout', [
  z.object({ layout: z.literal('files'), directory: z.string() }),
  z.object({
    layout: z.literal('store'),
    directory: z.string(),
    /** The run that snapshots are filed under. */
    run: z.string(),
    /** The zstd level of chunks. */
    level: z.int(),
  }),
]);

const configure = z.object({
  type: z.literal('configure'),
  /** The agent's own node name, and the name in its certificate. */
  node: z.string(),
  runId: z.string(),
  chunkSizeBytes: z.int(),
  /** PEM texts: the agent's certificate and key, and the run's certificate authority. */
  identity: z.object({ certificate: z.string(), key: z.string(), authority: z.string() }),
  /**
   * Names the target directory of this frontend: spool contents of an earlier run into it are found
   * by it.
   */
  targetKey: z.string(),
  spoolDirectory: z.nullable(z.string()),
  /** Only for the frontend's agent: where images end, and what is there need not come again. */
  target: z.nullable(target),
  /** Bytes per second; null for no limit. */
  uploadBytesPerSecond: z.nullable(z.number()),
  downloadBytesPerSecond: z.nullable(z.number()),
});

/** Expand paths and globs, and start to scan what they match, in this order. */
const find = z.object({ type: z.literal('find'), patterns: z.array(z.string()) });

/**
 * Pull an image from another agent, into the spool or (on the frontend) into the target directory.
 */
const receive = z.object({
  type: z.literal('receive'),
  transfer: z.string(),
  image: imageName,
  /** What the image will take on disk, as far as is known. */
  neededBytes: z.number(),
  from: z.object({ node: z.string(), host: z.string(), port: z.int() }),
});

const cancel = z.object({ type: z.literal('cancel'), transfer: z.string() });

/** Remove an image from the spool: it is safe elsewhere. */
const drop = z.object({ type: z.literal('drop'), image: z.string() });

const ping = z.object({ type: z.literal('ping') });

/** Stop what still runs, empty the spool if told so, and exit. */
const leave = z.object({ type: z.literal('leave'), emptySpool: z.boolean() });

export const coordinatorMessage = z.discriminatedUnion('type', [
  configure,
  find,
  receive,
  cancel,
  drop,
  ping,
  leave,
]);

const hello = z.object({
  type: z.literal('hello'),
  version: z.string(),
  nodeVersion: z.string(),
  /** The address at which ssh reached this host, if ssh told. */
  address: z.nullable(z.string()),
});

const ready = z.object({
  type: z.literal('ready'),
  port: z.int(),
  /** Free bytes for spooled images (on the frontend: in the target directory). */
  roomBytes: z.number(),
  /** Bytes per second each way of the host's network link; null if it is not known. */
  linkBytesPerSecond: z.nullable(z.number().check(z.positive())),
  /** Complete images that an earlier run into the same target left in the spool. */
  spooled: z.array(imageName),
  /**
   * On the frontend: `NODE/FILE` of each image of which an earlier version lies there as a seed.
   */
  seeded: z.array(z.string()),
  warnings: z.array(z.string()),
});

/** The agent cannot work at all: target not writable, port not to be had. */
const unfit = z.object({ type: z.literal('unfit'), failure });

const found = z.object({
  type: z.literal('found'),
  images: z.array(z.object({ path: z.string(), sizeBytes: z.int(), allocatedBytes: z.number() })),
  problems: z.array(z.object({ pattern: z.string(), failure })),
});

/** See `Sketch` in base/sketch.ts. */
const sketch = z.object({
  chunks: z.int().check(z.nonnegative()),
  hashes: z.readonly(
    z
      .array(z.int().check(z.nonnegative(), z.lt(SKETCH_HASH_LIMIT)))
      .check(z.maxLength(SKETCH_HASHES), z.refine(isAscending)),
  ),
});

const scanned = z.object({
  type: z.literal('scanned'),
  path: z.string(),
  /** Bytes in chunks that are not all zero. */
  dataBytes: z.number(),
  sketch,
});

const scanFailed = z.object({ type: z.literal('scan-failed'), path: z.string(), failure });

/** Counters of a running transfer so far. */
const receiving = z.object({
  type: z.literal('receiving'),
  transfer: z.string(),
  /** Bytes of frames that crossed the network for this transfer. */
  wireBytes: z.number(),
  /** Image bytes settled so far, from wherever: network, seeds, zeros. */
  doneBytes: z.number(),
});

/** Every byte has arrived and was verified: the sender and the link are free; not yet durable. */
const arrived = z.object({
  type: z.literal('arrived'),
  transfer: z.string(),
  /** Bytes of frames that crossed the network for it, in all. */
  wireBytes: z.number(),
});

/** The image is complete, verified and durable at the receiver. */
const received = z.object({
  type: z.literal('received'),
  transfer: z.string(),
  wireBytes: z.number(),
  /** Chunks that came over the network. */
  chunks: z.int(),
  /** Bytes of non-zero chunks. */
  dataBytes: z.number(),
  /** SHA-256 over the digests of all chunks in order, hexadecimal. */
  imageDigest: z.string(),
});

const receiveFailed = z.object({
  type: z.literal('receive-failed'),
  transfer: z.string(),
  /** Whose fault it was, as far as the receiver can tell. */
  blame: z.enum(['source', 'target', 'link']),
  failure,
});

const pong = z.object({ type: z.literal('pong') });

/** Something worth a line in the log: a refused stranger, an ignored seed. */
const notice = z.object({ type: z.literal('notice'), text: z.string() });

const left = z.object({ type: z.literal('left') });

function isAscending(hashes: readonly number[]): boolean {
  return hashes.every((hash, place) => place === 0 || hash > (hashes[place - 1] ?? hash));
}

export const agentMessage = z.discriminatedUnion('type', [
  hello,
  ready,
  unfit,
  found,
  scanned,
  scanFailed,
  receiving,
  arrived,
  received,
  receiveFailed,
  pong,
  notice,
  left,
]);

export type CoordinatorMessage = z.infer<typeof coordinatorMessage>;
export type AgentMessage = z.infer<typeof agentMessage>;
export type ImageName = z.infer<typeof imageName>;
export type Configuration = z.infer<typeof configure>;
export type TargetConfiguration = z.infer<typeof target>;
