import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assert as check, integer, property } from 'fast-check';
import { parseSample, peakSenders } from '../../race/senders.ts';
import type { Sample } from '../../race/senders.ts';

const MiB = 1024 * 1024;

/** Samples of one connection for each node, which brings so many bytes in each period. */
function samplesOf(periods: Readonly<Record<string, readonly number[]>>): readonly Sample[] {
  const count = Math.max(...Object.values(periods).map((bytes) => bytes.length));
  return Array.from({ length: count + 1 }, (_, index) => {
    const rows = Object.entries(periods).map(([peer, bytes]) => {
      const sum = bytes.slice(0, index).reduce((all, each) => all + each, 0);
      return [peer, { peer, bytes: sum }] as const;
    });
    return new Map(rows);
  });
}

void test('`peakSenders` counts nodes that send at the same instants', () => {
  assert.equal(peakSenders(samplesOf({ a: [MiB, MiB, MiB], b: [0, MiB, MiB] })), 2);
});

void test('`peakSenders` counts one when a node takes over from another between two samples', () => {
  assert.equal(peakSenders(samplesOf({ a: [MiB, MiB, 0, 0], b: [0, MiB, MiB, MiB] })), 1);
});

void test('`peakSenders` leaves out connections that carry no image', () => {
  assert.equal(peakSenders(samplesOf({ a: [MiB, MiB, MiB], b: [2000, 2000, 2000] })), 1);
});

void test('`peakSenders` leaves out a connection that pauses', () => {
  assert.equal(peakSenders(samplesOf({ a: [MiB, MiB, MiB, MiB], b: [MiB, 0, 100, MiB] })), 1);
});

void test('`peakSenders` counts a node once when it has two connections', () => {
  const [first, second] = [samplesOf({ x: [MiB, MiB] }), samplesOf({ y: [MiB, MiB] })];
  const both = first.map((sample, index) => {
    const rows = [...sample, ...(second[index] ?? [])];
    return new Map(rows.map(([name, row]) => [name, { ...row, peer: '10.77.0.1' }]));
  });
  assert.equal(peakSenders(both), 1);
});

void test('`peakSenders` is n when n nodes send all the time', () => {
  check(
    property(integer({ min: 1, max: 40 }), integer({ min: 2, max: 9 }), (nodes, length) => {
      const rows = Array.from({ length: nodes }, (_, node) => [
        `n${node}`,
        Array.from({ length }, () => MiB),
      ]);
      assert.equal(peakSenders(samplesOf(Object.fromEntries(rows))), nodes);
    }),
  );
});

void test('`peakSenders` is 0 without samples', () => {
  assert.equal(peakSenders([]), 0);
});

void test('`parseSample` reads what ss(8) prints, for the nodes only', () => {
  // From ss of iproute2 6.1, shortened.
  const text = `ESTAB 0 0 10.77.1.1:46812 10.77.0.5:22 cubic wscale:7,7 rto:204 bytes_sent:3101 bytes_acked:3101 bytes_received:812345 segs_out:31
ESTAB 0 36 10.77.1.1:46814 10.77.0.6:22 cubic wscale:7,7 rto:204 bytes_sent:12
ESTAB 0 0 127.0.0.1:5000 127.0.0.1:6000 cubic bytes_received:99999999
`;
  assert.deepEqual(
    parseSample(text, new Set(['10.77.0.5', '10.77.0.6'])),
    new Map([
      ['10.77.1.1:46812 10.77.0.5:22', { peer: '10.77.0.5', bytes: 812_345 }],
      ['10.77.1.1:46814 10.77.0.6:22', { peer: '10.77.0.6', bytes: 0 }],
    ]),
  );
});
