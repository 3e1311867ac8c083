import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as fc from 'fast-check';
import { frontendReport } from '../../src/report/frontend.ts';
import { transferReport } from './sample.ts';

type Span = readonly [from: string, startSeconds: number, endSeconds: number];

function report(...spans: readonly Span[]) {
  const transfers = spans.map(([from, startSeconds, endSeconds]) =>
    transferReport({ from, startSeconds, endSeconds }),
  );
  return frontendReport(transfers, 1);
}

void it('`frontendReport` counts one sender when transfers touch', () => {
  const { maxSenders, busyFraction } = report(['a', 0, 1], ['b', 1, 2], ['c', 2, 3]);
  assert.deepEqual({ maxSenders, busyFraction }, { maxSenders: 1, busyFraction: 1 });
});

void it('`frontendReport` counts each node once when it sends two images at a time', () => {
  assert.equal(report(['a', 0, 4], ['a', 1, 2], ['a', 3, 5]).maxSenders, 1);
  assert.equal(report(['a', 0, 4], ['a', 1, 2], ['b', 3, 5]).maxSenders, 2);
});

void it('`frontendReport` counts a momentary transfer when it lies inside of another', () => {
  assert.equal(report(['a', 0, 4], ['b', 2, 2]).maxSenders, 2);
  assert.equal(report(['a', 0, 4], ['b', 4, 4], ['c', 4, 5]).maxSenders, 1);
  assert.equal(report(['a', 3, 3]).maxSenders, 1);
});

void it('`frontendReport` leaves gaps out of the busy share when nothing is sent', () => {
  assert.equal(report(['a', 1, 2], ['b', 4, 5]).busyFraction, 0.5);
  assert.equal(report(['a', 0, 10], ['b', 1, 2], ['c', 15, 20]).busyFraction, 0.75);
});

void it('`frontendReport` is busy all of the time when rounding makes the parts more', () => {
  const { busyFraction } = report(['a', 0.07, 0.51], ['b', 0.51, 0.66], ['c', 0.66, 0.73]);
  assert.equal(busyFraction, 1);
});

void it('`frontendReport` is all zero when nothing went to the frontend', () => {
  const transfers = [transferReport({ to: 'node2' })];
  assert.deepEqual(frontendReport(transfers, 2), {
    bytesReceived: 0,
    busyFraction: 0,
    maxSenders: 0,
    sendersAllowed: 2,
  });
});

void it('`frontendReport` agrees with looking at every moment when given any transfers', () => {
  const span = fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.nat(30), fc.integer({ min: 1, max: 9 }));
  fc.assert(
    fc.property(fc.array(span, { minLength: 1 }), (spans) => {
      const intervals = spans.map(([from, start, length]): Span => [from, start, start + length]);
      const first = Math.min(...intervals.map(([, start]) => start));
      const last = Math.max(...intervals.map(([, , end]) => end));
      const senders = Array.from({ length: last - first }, (_, index) => {
        const moment = first + index + 0.5;
        const open = intervals.filter(([, start, end]) => start < moment && moment < end);
        return new Set(open.map(([from]) => from)).size;
      });
      const { maxSenders, busyFraction } = report(...intervals);
      assert.equal(maxSenders, Math.max(...senders));
      const busy = senders.filter((count) => count > 0).length / senders.length;
      assert.ok(Math.abs(busyFraction - busy) < 1e-9);
    }),
  );
});
