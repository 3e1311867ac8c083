import { StringDecoder } from 'node:string_decoder';

import type { Lab } from '../lab/lab.ts';

/**
 * Who sends to the frontend at the same time, by what the kernel counts for each TCP connection of
 * the frontend: `ss -tin`, its `bytes_received`.
 *
 * A connection carries an image if it brings more than logging in and messages do. At the instant of
 * a sample, a node sends if it did in the time to the sample before and in the time to the next one:
 * so one that takes over from another between two samples does not count beside it, and of
 * overlaps those are seen that are longer than two periods.
 */

const PERIOD_SECONDS = 0.2;

/** What a connection brings in all at least, if it carries an image. */
const IMAGE_BYTES = 64 * 1024;

/** What it brings between two samples at least, if it is sending. */
const SENDING_BYTES = 1024;

/** Bytes received so far, by connection. */
export type Sample = ReadonlyMap<string, Connection>;

interface Connection {
  readonly peer: string;
  readonly bytes: number;
}

/** Most nodes that sent images at the instant of one sample. */
export function peakSenders(samples: readonly Sample[]): number {
  const carriers = new Set(
    samples.flatMap((sample) =>
      [...sample].filter(([, { bytes }]) => bytes >= IMAGE_BYTES).map(([name]) => name),
    ),
  );
  const sending = samples.slice(1).map((sample, index) => {
    const before = samples[index] ?? new Map<string, Connection>();
    const active = [...sample].filter(([name, { bytes }]) => {
      return carriers.has(name) && bytes - (before.get(name)?.bytes ?? 0) >= SENDING_BYTES;
    });
    return new Set(active.map(([, { peer }]) => peer));
  });
  const counts = sending.slice(1).map((peers, index) => {
    return [...peers].filter((peer) => sending[index]?.has(peer)).length;
  });
  return Math.max(0, ...counts);
}

/**
 * The sample that `ss -tinOH` prints: a line for each connection, with its state, two queues, both
 * ends and, among more, `bytes_received:N`. Only connections with `peers` count.
 */
export function parseSample(text: string, peers: ReadonlySet<string>): Sample {
  const sample = new Map<string, Connection>();
  for (const line of text.split('\n')) {
    const [, , , local, remote] = line.split(/\s+/);
    if (local === undefined || remote === undefined) continue;
    const peer = remote.slice(0, remote.lastIndexOf(':'));
    if (!peers.has(peer)) continue;
    const bytes = Number(/\bbytes_received:(\d+)/.exec(line)?.[1] ?? 0);
    sample.set(`${local} ${remote}`, { peer, bytes });
  }
  return sample;
}

export interface SenderWatch {
  /** @returns `peakSenders` */
  stop(): number;
}

/** Samples the frontend's connections. */
export function watchSenders(lab: Lab): SenderWatch {
  const loop = `while ss -tinOH; do printf '\\f'; sleep ${PERIOD_SECONDS}; done`;
  const child = lab.exec(lab.frontend, ['sh', '-c', loop], { stdio: ['ignore', 'pipe', 'ignore'] });
  const peers = new Set(lab.nodes.map((node) => node.address));
  const samples: Sample[] = [];
  const decoder = new StringDecoder('utf8');
  let pending = '';
  child.stdout?.on('data', (bytes: Buffer) => {
    const texts = (pending + decoder.write(bytes)).split('\f');
    pending = texts.pop() ?? '';
    samples.push(...texts.map((text) => parseSample(text, peers)));
  });
  return {
    stop: () => {
      child.kill('SIGKILL');
      return peakSenders(samples);
    },
  };
}
