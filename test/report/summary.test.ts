import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as fc from 'fast-check';
import {
  releaseCurve,
  releaseSeconds,
  releaseTimes,
  savings,
  summarise,
  timesSooner,
  verdictOf,
} from '../../src/report/summary.ts';
import { imageReport, nodeReport, transferReport } from './sample.ts';

const RIVAL = { t50Seconds: 1, t80Seconds: 2, t100Seconds: 3, meanReleaseSeconds: 1.5 };
const releases = fc.array(fc.option(fc.double({ min: 0, max: 1e6, noNaN: true })));

void it('`releaseTimes` says when each share was reached when all nodes are released', () => {
  const times = releaseTimes([10, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.deepEqual(times, {
    t50Seconds: 5,
    t80Seconds: 8,
    t100Seconds: 10,
    meanReleaseSeconds: 5.5,
  });
});

void it('`releaseTimes` counts against all nodes when some were not released', () => {
  assert.deepEqual(releaseTimes([3, null, 1, null]), {
    t50Seconds: 3,
    t80Seconds: null,
    t100Seconds: null,
    meanReleaseSeconds: null,
  });
});

void it('`releaseTimes` needs at least half when the number of nodes is odd', () => {
  assert.equal(releaseTimes([1, 2, 3]).t50Seconds, 2);
});

void it('`releaseTimes` has no figures when there are no nodes', () => {
  const none = { t50Seconds: null, t80Seconds: null, t100Seconds: null, meanReleaseSeconds: null };
  assert.deepEqual(releaseTimes([]), none);
});

void it('`releaseTimes` agrees with counting when given any releases', () => {
  fc.assert(
    fc.property(releases, (moments) => {
      const { t50Seconds, t80Seconds, t100Seconds } = releaseTimes(moments);
      for (const [percent, moment] of [
        [50, t50Seconds],
        [80, t80Seconds],
        [100, t100Seconds],
      ] as const) {
        const by = (limit: number) => moments.filter((at) => at !== null && at <= limit).length;
        if (moment === null) {
          assert.ok(by(Infinity) * 100 < percent * moments.length || moments.length === 0);
        } else {
          assert.ok(by(moment) * 100 >= percent * moments.length);
          const before = moments.filter((at) => at !== null && at < moment).length;
          assert.ok(before * 100 < percent * moments.length);
        }
      }
    }),
  );
});

void it('`releaseCurve` ascends in time and share when given any releases', () => {
  fc.assert(
    fc.property(releases, (moments) => {
      const { points } = releaseCurve('measured', moments);
      const released = moments.filter((at) => at !== null).length;
      assert.equal(points.at(-1)?.share, moments.length === 0 ? 0 : released / moments.length);
      for (const [index, point] of points.slice(1).entries()) {
        const before = points[index];
        assert.ok(before !== undefined && before.seconds < point.seconds);
        assert.ok(before.share < point.share);
      }
    }),
  );
});

void it('`releaseCurve` has one point when several nodes are released at one moment', () => {
  assert.deepEqual(releaseCurve('x', [2, 2, 3, null]).points, [
    { seconds: 0, share: 0 },
    { seconds: 2, share: 0.5 },
    { seconds: 3, share: 0.75 },
  ]);
});

void it('`releaseSeconds` takes no node as released when its state says otherwise', () => {
  const failed = { ...nodeReport('b', 3), state: 'failed' as const };
  assert.deepEqual(releaseSeconds([nodeReport('a', 2), failed]), [2, null]);
});

void it('`summarise` adds up sizes and bytes when transfers failed and images are missing', () => {
  const summary = summarise({
    nodes: [nodeReport('a', 2), nodeReport('b', null)],
    images: [imageReport('a'), imageReport('b', { state: 'missing', dataBytes: null })],
    transfers: [
      transferReport({ wireBytes: 10 }),
      transferReport({ wireBytes: 5, state: 'failed' }),
      transferReport({ wireBytes: 7, to: 'a' }),
    ],
    bound: RIVAL,
    serial: RIVAL,
    allAtOnce: RIVAL,
  });
  const { images, safe, logicalBytes, dataBytes, frontendWireBytes, peerWireBytes } = summary;
  assert.deepEqual(
    { images, safe, logicalBytes, dataBytes, frontendWireBytes, peerWireBytes },
    {
      images: 2,
      safe: 1,
      logicalBytes: 4096,
      dataBytes: 1024 + 2048,
      frontendWireBytes: 15,
      peerWireBytes: 7,
    },
  );
  assert.equal(summary.t50Seconds, 2);
  assert.equal(summary.meanReleaseSeconds, null);
});

void it('`savings` counts what this run brought, and is zero when retries cost more', () => {
  const images = [imageReport('a'), imageReport('b'), imageReport('c', { state: 'missing' })];
  const transfers = [transferReport({ image: `a:${images[0]?.path}` })];
  const saved = (frontendWireBytes: number) =>
    savings({ images, transfers, summary: { frontendWireBytes } });
  assert.deepEqual(saved(48), { arrivedBytes: 2048, savedBytes: 2000 });
  assert.equal(saved(5000).savedBytes, 0);
});

void it('`verdictOf` is not content when a node is not released', () => {
  const nodes = [nodeReport('a', 1), { ...nodeReport('b', null), state: 'failed' as const }];
  const verdict = verdictOf({ nodes, summary: { images: 2, safe: 2 } });
  assert.equal(verdict.isComplete, false);
  assert.match(verdict.text, /all 2 images that were found are safe, 1 of 2 nodes not released/);
});

void it('`timesSooner` has no figure when one of the times is unknown or zero', () => {
  assert.equal(timesSooner({ measured: 2, rival: 8 }), 4);
  assert.equal(timesSooner({ measured: null, rival: 8 }), null);
  assert.equal(timesSooner({ measured: 2, rival: null }), null);
  assert.equal(timesSooner({ measured: 0, rival: 8 }), null);
});
