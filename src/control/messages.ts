import * as z from 'zod/mini';
import { ERROR_CODES } from '../base/error.ts';
import { SKETCH_HASH_LIMIT, SKETCH_HASHES } from '../base/sketch.ts';

/**
 * What coordinator and agents say to each other. Coordinator and agent are always of one version
 * (the agent is shipped by the coordinator), so there is no negotiation beyond the version in
 * `hello`.
 */

/** PATH_MAX of Linux, in bytes there. */
const MAX_PATH_CHARACTERS = 4096;
/** Images of one node: source/find-images.ts names no more. */
const MAX_FOUND_IMAGES = 10_000;

/** What agents say in words is cut there: a line for people, which may quote a long path. */
const MAX_TEXT_CHARACTERS = 2000;

const text = z.string().check(z.overwrite((said) => said.slice(0, MAX_TEXT_CHARACTERS)));

const failure = z.object({ code: z.enum(ERROR_CODES), message: text });

/** A TCP port that can be dialled. */
const port = z.int().check(z.gte(1), z.lte(65_535));

/** Any amount that a host can have, and no number with which sums go wrong. */
const bytes = z.number().check(z.nonnegative(), z.lte(2 ** 63));

const sizeBytes = z.int().check(z.nonnegative());

/** Bytes that were counted; whole numbers, as the journal has them. */
const countedBytes = sizeBytes;

/** SHA-256, hexadecimal. */
const digest = z.string().check(z.regex(/^[0-9a-f]{64}$/));

/** The absolute path of a file: its last part is a name. */
const path = z.string().check(
  z.maxLength(MAX_PATH_CHARACTERS),
  z.refine((name) => /^\/[^\0]*$/.test(name) && !/\/\.{0,2}$/.test(name)),
);

/** An image by its place in the cluster; `id` is unique in a run and safe in messages and logs. */
export const imageName = z
  .object({ id: z.string(), node: z.string(), path, sizeBytes })
  .check(z.refine(({ id, node, path: of }) => id === `${node}:${of}`));

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
  /** How long the agent of a node stays when its coordinator is gone, for the next one; 0: not. */
  orphanMs: z.number().check(z.nonnegative()),
  /** A transfer on which nothing comes for so long, though it could, is given up. */
  stallMs: z.number().check(z.positive()),
  /** An agent that has heard nothing from the coordinator for so long is on its own. */
  silenceMs: z.number().check(z.positive()),
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
  from: z.object({ node: z.string(), host: z.string(), port }),
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

export const hello = z.object({
  type: z.literal('hello'),
  version: z.string(),
  nodeVersion: z.string(),
  /** The address at which ssh reached this host, if ssh told. */
  address: z.nullable(z.string()),
});

const ready = z.object({
  type: z.literal('ready'),
  port,
  /** Free bytes for spooled images (on the frontend: in the target directory). */
  roomBytes: bytes,
  /** Bytes per second each way of the host's network link; null if it is not known. */
  linkBytesPerSecond: z.nullable(bytes.check(z.gte(1))),
  /** Complete images that an earlier run into the same target left in the spool. */
  spooled: z.array(imageName),
  /**
   * On the frontend: `NODE/FILE` of each image of which an earlier version lies there as a seed.
   */
  seeded: z.array(z.string()),
  warnings: z.array(text),
});

/** The agent cannot work at all: target not writable, port not to be had. */
const unfit = z.object({ type: z.literal('unfit'), failure });

const found = z.object({
  type: z.literal('found'),
  images: z
    .array(z.object({ path, sizeBytes, allocatedBytes: bytes }))
    .check(z.maxLength(MAX_FOUND_IMAGES)),
  problems: z.array(z.object({ pattern: text, failure })),
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

/** How far a scan has come; said now and then, and not for short ones. */
const scanning = z.object({
  type: z.literal('scanning'),
  path: z.string(),
  /** From the start of the image, holes and zeros included. */
  scannedBytes: z.number().check(z.nonnegative()),
});

const scanned = z.object({
  type: z.literal('scanned'),
  path,
  /** Bytes in chunks that are not all zero. */
  dataBytes: countedBytes,
  /** SHA-256 over the digests of all chunks in order: what every copy must have. */
  imageDigest: digest,
  sketch,
});

const scanFailed = z.object({ type: z.literal('scan-failed'), path, failure });

/** Counters of a running transfer so far. */
const receiving = z.object({
  type: z.literal('receiving'),
  transfer: z.string(),
  /** Bytes of frames that crossed the network for this transfer. */
  wireBytes: countedBytes,
  /** Image bytes settled so far, from wherever: network, seeds, zeros. */
  doneBytes: countedBytes,
});

/** Every byte has arrived and was verified: the sender and the link are free; not yet durable. */
const arrived = z.object({
  type: z.literal('arrived'),
  transfer: z.string(),
  /** Bytes of frames that crossed the network for it, in all. */
  wireBytes: countedBytes,
});

/** The image is complete, verified and durable at the receiver. */
const received = z.object({
  type: z.literal('received'),
  transfer: z.string(),
  wireBytes: countedBytes,
  /** Chunks that came over the network. */
  chunks: z.int().check(z.nonnegative()),
  /** Bytes of non-zero chunks. */
  dataBytes: countedBytes,
  /** SHA-256 over the digests of all chunks in order. */
  imageDigest: digest,
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
const notice = z.object({ type: z.literal('notice'), text });

const left = z.object({ type: z.literal('left') });

function isAscending(hashes: readonly number[]): boolean {
  return hashes.every((hash, place) => place === 0 || hash > (hashes[place - 1] ?? hash));
}

export const agentMessage = z.discriminatedUnion('type', [
  hello,
  ready,
  unfit,
  found,
  scanning,
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
