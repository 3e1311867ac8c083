import { readFileSync } from 'node:fs';
import * as z from 'zod/mini';
import { systemClock } from '../../../src/base/system-clock.ts';
import { qemuHypervisor } from '../../../src/hypervisor/qemu/qemu.ts';

/** So slow that it is killed before it is through. */
const CRAWL_BYTES_PER_SECOND = 4096;
const LIMIT_MS = 600_000;

/** Moves a machine, as standard input says, so that a process can be killed that does so. */
const words = z.object({
  directory: z.string(),
  name: z.string(),
  endpoint: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  identity: z.object({
    certificate: z.string(),
    key: z.string(),
    authority: z.string(),
    peerName: z.string(),
  }),
});

const { directory, name, endpoint, identity } = words.parse(JSON.parse(readFileSync(0, 'utf8')));
await qemuHypervisor({ directory, clock: systemClock, accelerator: 'tcg' }).migrate(
  name,
  endpoint,
  {
    identity,
    sharedStorage: false,
    limitMs: LIMIT_MS,
    downtimeLimitMs: 300,
    bytesPerSecond: CRAWL_BYTES_PER_SECOND,
    signal: new AbortController().signal,
  },
);
