import * as z from 'zod/mini';
import { ERROR_CODES } from '../base/error.ts';

/** Name and version of the format, in every report's `schema`. */
export const SCHEMA = 'kgetplus.report/1';

const seconds = z.number().check(z.nonnegative());
const bytes = z.int().check(z.nonnegative());
const count = z.int().check(z.nonnegative());

const releaseTimes = {
  t50Seconds: z.nullable(seconds),
  t80Seconds: z.nullable(seconds),
  t100Seconds: z.nullable(seconds),
  meanReleaseSeconds: z.nullable(seconds),
};

const frontend = z.object({
  bytesReceived: bytes,
  busyFraction: z.number().check(z.minimum(0), z.maximum(1)),
  maxSenders: count,
  sendersAllowed: count,
});

const node = z.object({
  node: z.string(),
  state: z.enum(['released', 'held', 'failed']),
  readySeconds: z.nullable(seconds),
  releasedSeconds: z.nullable(seconds),
});

const image = z.object({
  node: z.string(),
  path: z.string(),
  sizeBytes: bytes,
  dataBytes: z.nullable(bytes),
  state: z.enum(['safe', 'missing']),
  route: z.array(z.string()),
});

const transfer = z.object({
  image: z.string(),
  from: z.string(),
  to: z.string(),
  startSeconds: seconds,
  endSeconds: seconds,
  wireBytes: bytes,
  chunks: count,
  state: z.enum(['done', 'failed']),
});

const summary = z.object({
  ...releaseTimes,
  images: count,
  safe: count,
  logicalBytes: bytes,
  dataBytes: bytes,
  frontendWireBytes: bytes,
  peerWireBytes: bytes,
  bound: z.object(releaseTimes),
  serial: z.object(releaseTimes),
  allAtOnce: z.object(releaseTimes),
});

const failure = z.object({
  code: z.enum(ERROR_CODES),
  message: z.string(),
  node: z.nullable(z.string()),
  path: z.nullable(z.string()),
});

/** Checks what the types of record.ts promise; fields that are not known are left out. */
export const runReport = z.object({
  schema: z.literal(SCHEMA),
  run: z.string(),
  startedAt: z.iso.datetime(),
  seconds,
  frontend,
  nodes: z.array(node),
  images: z.array(image),
  transfers: z.array(
    transfer.check(
      z.refine((value) => value.endSeconds >= value.startSeconds, {
        path: ['endSeconds'],
        message: 'wanted a moment that is not before startSeconds',
      }),
    ),
  ),
  summary,
  failures: z.array(failure),
});
