/**
 * Stands for `node:crypto` in simulated processes: the same, but for chance, which is that of the
 * simulation.
 */
import { randomBytes as realBytes, randomUUID as realUuid } from 'node:crypto';
import { currentProcess, isSimulated } from './process.ts';

export * from 'node:crypto';

export function randomBytes(count: number): Buffer {
  return isSimulated() ? currentProcess().machine.dice.bytes(count) : realBytes(count);
}

export function randomUUID(): string {
  if (!isSimulated()) return realUuid();
  const hex = randomBytes(16).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
