import { setTimeout as sleep } from 'node:timers/promises';

import { findTool } from '../lab/tools.ts';
import { clush, gather } from './contenders.ts';
import { shell } from './frontend.ts';
import type { Lab } from '../lab/lab.ts';
import type { Place } from './contenders.ts';
import type { ImagesRecord, LinkRecord } from './record.ts';

const WARM_UP_SECONDS = 1;
const MEASURED_SECONDS = 5;

/** How often the client tries to reach a server that has only just been started. */
const TRIES = 20;
const TRY_EVERY_MS = 100;

/** What no contender can beat in this lab, and what starting something on all its nodes costs. */
export async function measureLink(
  lab: Lab,
  place: Place,
  images: ImagesRecord,
): Promise<LinkRecord> {
  const dryRun = `${gather(place)} --dry-run >&2`;
  const goodputBytesPerSecond = await goodput(lab);
  return {
    goodputBytesPerSecond,
    limitSeconds: images.logicalBytes / goodputBytesPerSecond,
    slotSeconds: images.largestBytes / goodputBytesPerSecond,
    clushSeconds:
      findTool('clush') === undefined ? null : await secondsOf(lab, `${clush(place)} true`),
    firstDryRunSeconds: await secondsOf(lab, dryRun),
    dryRunSeconds: await secondsOf(lab, dryRun),
  };
}

/** TCP payload per second from one node to the frontend, by iperf3 at the receiver. */
async function goodput(lab: Lab): Promise<number> {
  const server = lab.exec(lab.frontend, ['iperf3', '--server'], { stdio: 'ignore' });
  try {
    return await goodputOf(lab, lab.nodes[0]?.name ?? '');
  } finally {
    server.kill();
  }
}

async function goodputOf(lab: Lab, name: string): Promise<number> {
  const options = ['--omit', String(WARM_UP_SECONDS), '--time', String(MEASURED_SECONDS), '--json'];
  const argv = ['iperf3', '--client', lab.frontend.address, ...options];
  for (let tries = 1; ; tries += 1) {
    try {
      const result = JSON.parse(await lab.run(lab.host(name), argv)) as IperfResult;
      return result.end.sum_received.bits_per_second / 8;
    } catch (error) {
      if (tries === TRIES) throw error;
      await sleep(TRY_EVERY_MS);
    }
  }
}

/** The part of what `iperf3 --json` prints that counts here. */
interface IperfResult {
  readonly end: { readonly sum_received: { readonly bits_per_second: number } };
}

async function secondsOf(lab: Lab, command: string): Promise<number> {
  const startMs = performance.now();
  await shell(lab, command);
  return (performance.now() - startMs) / 1000;
}
