import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { rivalCurves, rivalTimes } from '../../src/cli/rival-curves.ts';
import type { RunReport, TransferReport } from '../../src/report/record.ts';

const MB = 1e6;

/** Two nodes with 10 MB each; the frontend got 5 MB of each, one after the other, at 1 MB/s. */
const run: Pick<RunReport, 'nodes' | 'images' | 'transfers'> = {
  nodes: ['n1', 'n2'].map((node) => ({
    node,
    state: 'released',
    readySeconds: 1,
    releasedSeconds: 9,
  })),
  images: ['n1', 'n2'].map((node) => ({
    node,
    path: '/d',
    sizeBytes: 10 * MB,
    dataBytes: 5 * MB,
    state: 'safe',
    route: [node, 'frontend'],
  })),
  transfers: [transfer('n1', 10), transfer('n2', 20)],
};

function transfer(node: string, startSeconds: number): TransferReport {
  return {
    image: `${node}:/d`,
    from: node,
    to: 'frontend',
    startSeconds,
    endSeconds: startSeconds + 5,
    wireBytes: 5 * MB,
    chunks: 1,
    state: 'done',
  };
}

void suite('rivalCurves', () => {
  void test('`rivalTimes` bounds by what crossed, and copies whole images, at the measured rate', () => {
    const { bound, serial, allAtOnce } = rivalTimes(run);
    assert.equal(bound.t100Seconds, 10);
    assert.equal(bound.t50Seconds, 5);
    assert.equal(serial.t50Seconds, 10);
    assert.equal(serial.t100Seconds, 20);
    assert.equal(allAtOnce.t50Seconds, 20);
  });

  void test('`rivalTimes` bounds no later than the run was, however small its transfers', () => {
    const small = Array.from({ length: 20 }, (_, place) => ({
      ...transfer(place % 2 === 0 ? 'n1' : 'n2', place / 10),
      endSeconds: place / 10 + 0.02,
      wireBytes: 200_000,
    }));
    const large = { ...transfer('n1', 2), endSeconds: 4, wireBytes: 2 * MB };
    const { bound } = rivalTimes({ ...run, transfers: [...small, large] });
    assert.ok((bound.t100Seconds ?? Infinity) <= 4);
  });

  void test('`rivalCurves` has nothing to say when nothing was measured', () => {
    assert.deepEqual(rivalCurves({ ...run, transfers: [] }), []);
    const indexOnly = run.transfers.map((it) => ({ ...it, wireBytes: 40_000 }));
    assert.deepEqual(rivalCurves({ ...run, transfers: indexOnly }), []);
    assert.equal(rivalTimes({ ...run, transfers: [] }).serial.t50Seconds, null);
  });
});
