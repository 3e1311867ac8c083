/** Largest Ethernet frame at an MTU of 1500, as tbf counts it (no preamble, no checksum). */
const FRAME_BYTES = 1514;

/** How much a link may send at once: time for the shaper to wake up late without losing rate. */
const BURST_SECONDS = 0.002;
const BURST_MIN_BYTES = 8 * FRAME_BYTES;

/** How long a full queue takes to drain: a switch port's buffer, not a bloated one. */
const QUEUE_SECONDS = 0.05;
const QUEUE_MIN_BYTES = 40 * FRAME_BYTES;

const LEAST_BITS_PER_SECOND = 1000;
const UNITS: Readonly<Record<string, number>> = { bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9 };

/** Bytes per second of a rate in the syntax of tc(8), such as `40mbit`. @throws Error */
export function rateBytesPerSecond(rate: string): number {
  const match = /^(\d+(?:\.\d+)?)([kmg]?bit)$/.exec(rate.toLowerCase());
  const bitsPerSecond = Number(match?.[1]) * (UNITS[match?.[2] ?? ''] ?? Number.NaN);
  if (bitsPerSecond >= LEAST_BITS_PER_SECOND) return bitsPerSecond / 8;
  throw new Error(`Cannot shape a link to "${rate}": wanted e.g. 40mbit or 1gbit, 1kbit at least`);
}

/** The arguments of `tc qdisc replace|change` that shape what a device sends: tc-tbf(8). */
export function shapeCommand(device: string, rate: string): string {
  const bytesPerSecond = rateBytesPerSecond(rate);
  const burst = Math.ceil(Math.max(BURST_MIN_BYTES, bytesPerSecond * BURST_SECONDS));
  const queue = Math.ceil(Math.max(QUEUE_MIN_BYTES, bytesPerSecond * QUEUE_SECONDS));
  const shape = `rate ${Math.round(bytesPerSecond * 8)}bit burst ${burst} limit ${burst + queue}`;
  return `qdisc replace dev ${device} root tbf ${shape}`;
}
