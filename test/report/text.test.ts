import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as fc from 'fast-check';
import { renderNodesText } from '../../src/report/text-nodes.ts';
import { renderSummaryText } from '../../src/report/text.ts';
import { imageReport, nodeReport, runReport } from './sample.ts';
import type { RunReport } from '../../src/report/record.ts';

/** A run in which `count` nodes kept their images. */
function troubled(count: number): RunReport {
  const names = Array.from({ length: count }, (_, index) => `node${index + 1}`);
  const report = runReport({
    nodes: names.map((name) => nodeReport(name, null)),
    images: names.map((name) => imageReport(name, { state: 'missing', route: [name] })),
    failures: names.map((node) => ({ code: 'unreachable', message: 'No route', node, path: null })),
  });
  return { ...report, summary: { ...report.summary, images: count, safe: 0 } };
}

void it('`renderSummaryText` compares the release times when the run went well', () => {
  const text = renderSummaryText(runReport());
  assert.match(text, /^Run 20261122-093000-4f2a: all 2 images are safe, after 12\.0 s\.\n/);
  assert.match(text, /^50 % +2\.0 s +4\.0 s +4\.0 s +4\.0 s +2\.0 × +2\.0 ×$/m);
  assert.match(text, /^Over the frontend's link +1\.95 KiB +busy 95 % .*at most 1 sending/m);
  assert.doesNotMatch(text, /Missing|Failures/);
});

void it('`renderSummaryText` says so when a share was not reached', () => {
  const { summary } = runReport();
  const text = renderSummaryText(runReport({ summary: { ...summary, t100Seconds: null } }));
  assert.match(text, /^100 % +not reached .*– +–$/m);
});

void it('`renderSummaryText` says how many rows it left out when lists are long', () => {
  const text = renderSummaryText(troubled(30));
  assert.match(text, /0 of 30 images are safe/);
  assert.match(text, /Missing images: 30\n/);
  assert.equal(text.match(/… and 20 more/g)?.length, 2);
  assert.doesNotMatch(text, /node30/);
  assert.match(renderSummaryText(troubled(30), { all: true }), /node30: No route \(unreachable\)/);
});

void it('`renderSummaryText` says nothing about safety when there were no images', () => {
  const { summary } = runReport();
  const text = renderSummaryText(
    runReport({ images: [], summary: { ...summary, images: 0, safe: 0 } }),
  );
  assert.match(text, /no image was found/);
});

void it('`renderNodesText` shows nodes that were not released first', () => {
  const nodes = [nodeReport('node1', 2), nodeReport('node2', null)];
  const [, first, second] = renderNodesText(runReport({ nodes })).split('\n');
  assert.match(first ?? '', /^node2 +1 +held +– +node2 → frontend$/);
  assert.match(second ?? '', /^node1 +1 +released +2\.0 s +node1 → frontend$/);
});

void it('`renderNodesText` keeps names apart when they are long', () => {
  const names = ['01', '02'].map((digits) => `compute-frankfurt-rack-${digits}.example.org`);
  const text = renderNodesText(runReport({ nodes: names.map((name) => nodeReport(name, 1)) }));
  assert.match(text, /^…01 /m);
  assert.match(text, /^…02 /m);
});

/** The report with `node` before each node's name, and `message` as every message and path. */
function renamed(report: RunReport, to: { node: string; message: string }): RunReport {
  const names = report.nodes.map((entry) => to.node + entry.node);
  return {
    ...report,
    nodes: names.map((name) => nodeReport(name, null)),
    images: names.map((name) => imageReport(name, { path: to.message, state: 'missing' })),
    failures: names.map((node) => ({
      code: 'internal',
      message: to.message,
      node,
      path: to.message,
    })),
  };
}

void it('texts stay within 100 columns and print no controls when names are hostile', () => {
  const name = fc.string({ unit: 'binary', maxLength: 200 });
  fc.assert(
    fc.property(name, name, fc.nat(15), (node, message, count) => {
      const report = renamed(troubled(count + 1), { node, message });
      for (const text of [renderSummaryText(report), renderNodesText(report)]) {
        for (const line of text.split('\n')) {
          assert.ok(Array.from(line).length <= 100, line);
          assert.doesNotMatch(line, /\p{Cc}|\p{Cf}|\p{Cs}/u);
        }
      }
    }),
  );
});
