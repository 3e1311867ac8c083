import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { it } from 'node:test';
import { renderHtml } from '../../src/report/html.ts';
import { releaseCurve } from '../../src/report/summary.ts';
import { assertEscapes } from './hostile-names.ts';
import { imageReport, nodeReport, runReport, transferReport } from './sample.ts';

const RIVALS = [releaseCurve('bound', [1, 2]), releaseCurve('serial', [5, 10])];

void it('`renderHtml` makes one self-contained page when given a run', () => {
  const page = renderHtml(runReport(), RIVALS);
  assert.match(page, /^<!doctype html>/);
  assert.match(page, /<title>Kget\+ run 20261122-093000-4f2a<\/title>/);
  assert.match(page, /All 2 images are safe/);
  assert.doesNotMatch(page, /https?:|<link|<img|src=|url\(|@import/);
  assert.doesNotMatch(page, /undefined|NaN|\[object/);
});

void it('`renderHtml` names every curve and gives its points when rivals are given', () => {
  const page = renderHtml(runReport(), RIVALS);
  for (const name of ['measured', 'bound', 'serial']) assert.ok(page.includes(`${name} <output`));
  const data = /<script type="application\/json" id="curves">(.*?)<\/script>/s.exec(page);
  assert.deepEqual(JSON.parse(data?.[1] ?? ''), [
    [
      [0, 0],
      [2, 0.5],
      [4, 1],
    ],
    [
      [0, 0],
      [1, 0.5],
      [2, 1],
    ],
    [
      [0, 0],
      [5, 0.5],
      [10, 1],
    ],
  ]);
});

void it('`renderHtml` draws steps from zero when a curve has no point there', () => {
  const points = [
    { seconds: 3, share: 0.5 },
    { seconds: 6, share: 1 },
  ];
  const page = renderHtml(runReport({ seconds: 12 }), [{ name: 'bound', points }]);
  assert.ok(page.includes('<path class="c1" d="M0 1000H250V500H500V0" />'));
});

void it('`renderHtml` allows its own script when the policy forbids all others', () => {
  const page = renderHtml(runReport(), RIVALS);
  const script = /<script>(.*?)<\/script>/s.exec(page)?.[1] ?? '';
  const digest = createHash('sha256').update(script).digest('base64');
  assert.ok(page.includes(`script-src &#39;sha256-${digest}&#39;`));
});

void it('`renderHtml` says what is missing when the run failed', () => {
  const { summary } = runReport();
  const message = 'ssh exited with 255';
  const page = renderHtml(
    runReport({
      nodes: [nodeReport('node1', 2), nodeReport('node2', null)],
      images: [imageReport('node1'), imageReport('node2', { state: 'missing' })],
      transfers: [transferReport({ state: 'failed' })],
      failures: [{ code: 'unreachable', message, node: 'node2', path: null }],
      summary: { ...summary, safe: 1, t100Seconds: null, meanReleaseSeconds: null },
    }),
    RIVALS,
  );
  assert.match(page, /1 of 2 images are safe/);
  assert.match(page, /ssh exited with 255/);
  assert.match(page, /not released \(held\)/);
  assert.match(page, /not reached/);
});

/** A page in which every name, path and message is `text`. */
function pageOf(text: string): string {
  return renderHtml(
    runReport({
      run: text,
      nodes: [nodeReport(text, 2)],
      images: [imageReport(text, { path: text, route: [text, 'frontend'] })],
      transfers: [transferReport({ from: text, image: text })],
      failures: [{ code: 'internal', message: text, node: text, path: text }],
    }),
    [releaseCurve(text, [1])],
  );
}

void it('`renderHtml` has no more tags than with plain names when names are hostile', () => {
  assertEscapes(pageOf);
});

void it('`renderHtml` stays small when there are 200 nodes', () => {
  const names = Array.from({ length: 200 }, (_, index) => `node${index + 1}`);
  const report = runReport({
    nodes: names.map((name, index) => nodeReport(name, index + 1)),
    images: names.map((name) => imageReport(name)),
    transfers: names.map((from) => transferReport({ from })),
  });
  const page = renderHtml(report, RIVALS);
  assert.ok(page.length < 400_000, `${page.length} characters`);
  assert.match(page, />node200</);
});

void it('`renderHtml` still makes a page when a run has nothing in it', () => {
  const page = renderHtml(runReport({ seconds: 0, nodes: [], images: [], transfers: [] }), []);
  assert.doesNotMatch(page, /undefined|NaN|Infinity/);
});
