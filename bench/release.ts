/**
 * Gathers incompressible images in a lab and prints when nodes were released and how busy the
 * frontend's link was. `npm run bench:release [-- NODES RATE MIB]`; needs root. One JSON line at
 * the end.
 */
import { join } from 'node:path';
import { startGather } from '../lab/gather.ts';
import { missingForLab } from '../lab/requirements.ts';
import { rateBytesPerSecond } from '../lab/shaping.ts';
import { startLab } from '../lab/start.ts';
import { parseReport } from '../src/report/json.ts';
import type { RunReport } from '../src/report/record.ts';
import { incompressibleImage } from '../src/samples/images.ts';

const MiB = 1024 * 1024;
/** TCP payload in full frames, of what tbf counts: 1448 of 1514 bytes. */
const GOODPUT = 1448 / 1514;

const [nodes = '16', rate = '40mbit', mebibytes = '16'] = process.argv.slice(2);
const missing = missingForLab();
if (missing.length > 0) throw new Error(`Cannot make a lab: ${missing.join('; ')}`);

await using lab = await startLab({ nodes: Number(nodes), rate });
const sizeBytes = Number(mebibytes) * MiB;
for (const node of lab.nodes) {
  await incompressibleImage(join(node.labnode, 'disk.img'), sizeBytes, node.name);
}
const before = await lab.bytesReceived(lab.frontend);
const set = lab.nodes.map((node) => node.name).join(',');
const run = await startGather(lab, ['-w', set, '/labnode/disk.img']).ended;
if (run.exitCode !== 0) throw new Error(run.stderr);
const onLink = (await lab.bytesReceived(lab.frontend)) - before;
const report = parseReport({ text: run.report ?? '', file: 'report.json' });
print(figures(report, onLink));

function figures({ nodes: reported, transfers, frontend, seconds }: RunReport, linkBytes: number) {
  const slotSeconds = sizeBytes / (rateBytesPerSecond(rate) * GOODPUT);
  const upSeconds = Math.max(...reported.map((node) => node.readySeconds ?? Number.NaN));
  const releases = reported
    .map((node) => node.releasedSeconds ?? Number.NaN)
    .toSorted((a, b) => a - b);
  const slotsAt = (share: number): number => {
    const at = releases[Math.ceil(share * releases.length) - 1] ?? Number.NaN;
    return (at - upSeconds) / slotSeconds;
  };
  const toFrontend = transfers.filter((transfer) => transfer.to === 'frontend');
  const first = Math.min(...toFrontend.map((transfer) => transfer.startSeconds));
  const last = Math.max(...toFrontend.map((transfer) => transfer.endSeconds));
  return {
    nodes: reported.length,
    rate,
    sizeBytes,
    slotSeconds,
    upSeconds,
    seconds,
    t50Slots: slotsAt(0.5),
    t80Slots: slotsAt(0.8),
    t875Slots: slotsAt(0.875),
    t100Slots: slotsAt(1),
    meanSlots:
      releases.reduce((sum, at) => sum + at - upSeconds, 0) / releases.length / slotSeconds,
    /** Payload that crossed, over what the link could carry from the first to the last byte. */
    linkFilled:
      toFrontend.reduce((sum, t) => sum + t.wireBytes, 0) /
      (last - first) /
      (rateBytesPerSecond(rate) * GOODPUT),
    busyFraction: frontend.busyFraction,
    maxSenders: frontend.maxSenders,
    linkBytes,
  };
}

function print(result: ReturnType<typeof figures>): void {
  for (const [name, value] of Object.entries(result)) {
    const text = typeof value === 'number' && !Number.isInteger(value) ? value.toFixed(3) : value;
    process.stdout.write(`${name.padEnd(14)} ${text}\n`);
  }
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
