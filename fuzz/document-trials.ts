import assert from 'node:assert/strict';
import { type Manifest, parseManifest } from '../src/catalogue/manifest.ts';
import { parseReport } from '../src/report/json.ts';
import { runReport } from '../test/report/sample.ts';

const MANIFEST: Manifest = {
  schema: 'kgetplus.manifest/1',
  run: '20261122-093000-4f2a',
  startedAt: '2026-11-22T09:30:00.000Z',
  endedAt: null,
  user: 'root',
  host: 'frontend',
  version: '0.1.0',
  command: ['kgetplus', 'gather'],
  tags: ['keep'],
  images: [
    {
      node: 'node1',
      path: '/vm/disk.qcow2',
      name: 'disk.qcow2',
      sizeBytes: 2048,
      dataBytes: 1024,
      indexSha256: 'a'.repeat(64),
      wireBytes: 1000,
      chunks: 1,
    },
  ],
  missing: [{ node: 'node2', path: null, reason: 'gone' }],
};

export function manifestSamples(): Buffer[] {
  return [Buffer.from(JSON.stringify(MANIFEST))];
}

export function reportSamples(): Buffer[] {
  const failure = { code: 'unreachable', message: 'gone', node: 'node1', path: null } as const;
  return [runReport(), runReport({ failures: [failure] })].map((report) =>
    Buffer.from(JSON.stringify(report)),
  );
}

export function tryManifest(input: Buffer): void {
  assertSettled(input, (text) => parseManifest({ text, file: 'x' }));
}

export function tryReport(input: Buffer): void {
  assertSettled(input, (text) => parseReport({ text, file: 'x' }));
}

/** What was parsed and is written again must be parsed as the same. */
function assertSettled(input: Buffer, parse: (text: string) => unknown): void {
  const parsed = JSON.stringify(parse(input.toString('utf8')));
  assert.equal(JSON.stringify(parse(parsed)), parsed);
}
