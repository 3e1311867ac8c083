import assert from 'node:assert/strict';
import { it } from 'node:test';
import { renderPlanPage } from '../../src/report/plan-page.ts';
import { renderPlanText } from '../../src/report/plan-text.ts';
import { planRemarks } from '../../src/report/plan-words.ts';
import { assertEscapes } from './hostile-names.ts';
import type {
  PlannedNode,
  PlannedStrategy,
  PlannedTransfer,
  PlanReport,
} from '../../src/report/plan-record.ts';
import type { SimulatedTimes } from '../../src/report/simulation-record.ts';

const MiB = 1024 ** 2;
const LINK = { bytesPerSecond: 125e6, source: 'told' } as const;

function timesOf(half: number, all: number): SimulatedTimes {
  const meanReleaseSeconds = (half + all) / 2;
  return {
    t50Seconds: half,
    t80Seconds: all,
    t100Seconds: all,
    meanReleaseSeconds,
    makespanSeconds: all,
  };
}

function curveOf(half: number, all: number): PlannedStrategy['curve'] {
  return [
    { seconds: half, share: 0.5 },
    { seconds: all, share: 1 },
  ];
}

function strategy(name: string, half: number, all: number): PlannedStrategy {
  const isOurs = name === 'kgetplus';
  return {
    name,
    about: `what ${name} does`,
    isOurs,
    counts: 'releases',
    moved: isOurs ? 'needed' : 'whole',
    times: timesOf(half, all),
    timesBound: { t50: 2, t80: 1.6, t100: 1.6, meanRelease: 1.5, makespan: 1.6 },
    curve: curveOf(half, all),
    frontendBytes: (isOurs ? 30 : 200) * MiB,
    peerBytes: 10 * MiB,
  };
}

function node(name: string, change: Partial<PlannedNode> = {}): PlannedNode {
  return {
    node: name,
    readySeconds: 1,
    releasedSeconds: 20,
    link: LINK,
    roomBytes: 500 * MiB,
    images: 1,
    sizeBytes: 100 * MiB,
    dataBytes: 20 * MiB,
    ...change,
  };
}

function transfer(change: Partial<PlannedTransfer> = {}): PlannedTransfer {
  return {
    image: 'n1:/vm/disk.img',
    from: 'n1',
    to: 'frontend',
    bytes: 20 * MiB,
    startSeconds: 1,
    endSeconds: 21.5,
    ...change,
  };
}

function plan(change: Partial<PlanReport> = {}): PlanReport {
  return {
    schema: 'kgetplus.plan/1',
    command: 'kgetplus plan -w n[1-2] /vm/disk.img --to out',
    inputs: {
      objective: 'mean',
      senders: 1,
      maxHops: 64,
      copies: 1,
      frontendLink: LINK,
      racks: 2,
      nodesFirst: 1,
      nodesKeepingNone: 0,
    },
    bound: { times: timesOf(10, 25), curve: curveOf(10, 25), frontendBytes: 25 * MiB },
    strategies: [strategy('kgetplus', 20, 40), strategy('serial', 50, 90)],
    nodes: [node('n2', { releasedSeconds: 40 }), node('n1')],
    missingNodes: [],
    images: ['n1', 'n2'].map((name) => ({
      node: name,
      path: '/vm/disk.img',
      sizeBytes: 100 * MiB,
      dataBytes: 20 * MiB,
      family: 'n1:/vm/disk.img',
      sharedBytes: 5 * MiB,
    })),
    transfers: [transfer({ to: 'n2', bytes: 15 * MiB }), transfer({ from: 'n2' })],
    failures: [],
    ...change,
  };
}

function pullsIn(text: string): number {
  return text.match(/n1 -> frontend/g)?.length ?? 0;
}

/** Remarks on a forecast with links like these on its nodes and on the frontend. */
function linkRemarks(
  sources: readonly (typeof LINK | { source: 'assumed'; bytesPerSecond: number })[],
  frontendLink: PlanReport['inputs']['frontendLink'],
): string[] {
  const report = plan();
  const nodes = sources.map((link, index) => node(`n${index}`, { link }));
  const inputs = { ...report.inputs, frontendLink };
  return planRemarks({ ...report, nodes, inputs, strategies: [] });
}

void it('`renderPlanText` has the times of every strategy and of the bound, and their bytes', () => {
  const text = renderPlanText(plan());
  for (const row of [
    /^kgetplus +20\.0 s +40\.0 s +40\.0 s +30\.0 s +40\.0 s +30\.0 MiB$/m,
    /^serial +50\.0 s +1 min 30 s .* 200 MiB$/m,
    /^bound +10\.0 s +25\.0 s +25\.0 s +17\.5 s +25\.0 s +25\.0 MiB$/m,
  ]) {
    assert.match(text, row);
  }
});

void it('`renderPlanText` says what was found and what was asked for', () => {
  const text = renderPlanText(plan()).replaceAll('\n', ' ');
  for (const part of [
    'Nodes: 2 of 2 with images, 1.00 Gbit/s (as told).',
    'Images: 2 of 200 MiB, 40.0 MiB of it data, 10.0 MiB of that in common',
    'Frontend: 1.00 Gbit/s (as told).',
    'Kget+: objective mean, 1 sender to the frontend, up to 64 relays of an image, 2 racks, 1 node to be released first.',
  ]) {
    assert.ok(text.includes(part), `${part}: ${text}`);
  }
});

void it('`renderPlanText` lists transfers with their kind, and nodes in the order of release', () => {
  const text = renderPlanText(plan());
  assert.match(text, /^1\.0 s +21\.5 s +n1:\/vm\/disk\.img +n1 -> n2 +15\.0 MiB +relay$/m);
  assert.match(text, /^1\.0 s +21\.5 s +n1:\/vm\/disk\.img +n2 -> frontend +20\.0 MiB +frontend$/m);
  assert.match(text, /^ +20\.0 s +n1 .*\n +40\.0 s +n2 /m);
});

void it('`renderPlanText` cuts long lists after 20 rows, unless all are asked for', () => {
  const report = plan({ transfers: Array.from({ length: 30 }, () => transfer()) });
  const cut = renderPlanText(report);
  assert.equal(pullsIn(cut), 20);
  assert.match(cut, /^… and 10 more; --transfers shows all$/m);
  const all = renderPlanText(report, { all: true });
  assert.equal(pullsIn(all), 30);
  assert.doesNotMatch(all, /more/);
});

void it('`renderPlanText` keeps to the width of a terminal', () => {
  const long = 'x'.repeat(300);
  const text = renderPlanText(
    plan({
      nodes: [node(long)],
      transfers: [transfer({ image: long, from: long, to: long, startSeconds: 7e5 })],
      failures: [{ code: 'unreachable', message: long, node: long, path: null }],
    }),
  );
  for (const line of text.split('\n')) assert.ok(line.length <= 100, line);
});

void it('`renderPlanText` names failures and what is left out', () => {
  const failure = { code: 'unreachable', message: 'no route', node: 'n3', path: null } as const;
  const text = renderPlanText(plan({ missingNodes: ['n3'], failures: [failure] }));
  assert.match(text, /^1 node left out: see the failures\.$/m);
  assert.match(text, /^Failures: 1\n {2}n3: no route \(unreachable\)$/m);
});

void it('`renderPlanText` says so when there is nothing to foresee', () => {
  const nothing = plan({ strategies: [], nodes: [], images: [], transfers: [] });
  assert.match(renderPlanText(nothing), /^No image was found/);
  assert.doesNotMatch(renderPlanPage(nothing), /undefined|NaN|Infinity/);
});

void it('`planRemarks` names every rate that nobody told', () => {
  const assumed = { source: 'assumed', bytesPerSecond: 125e6 } as const;
  assert.deepEqual(linkRemarks([LINK, LINK], LINK), []);
  assert.deepEqual(linkRemarks([assumed, assumed], assumed), [
    'links unknown: assumed 1Gbit; give --link',
  ]);
  assert.deepEqual(linkRemarks([assumed, LINK], LINK), [
    'links of 1 node unknown: assumed 1Gbit; give --link',
  ]);
  assert.deepEqual(linkRemarks([LINK], assumed), [
    "the frontend's link unknown: assumed 1Gbit; give --frontend-link",
  ]);
});

void it('`planRemarks` names nodes that would not be released', () => {
  const report = plan({ nodes: [node('n1', { releasedSeconds: null })] });
  assert.match(planRemarks(report).join('\n'), /1 node would not be released/);
  assert.match(renderPlanText(report), /^ +never +n1 /m);
});

void it('`planRemarks` says so when only Kget+ was computed', () => {
  assert.match(
    planRemarks(plan({ strategies: [strategy('kgetplus', 20, 40)] })).join(),
    /too many/,
  );
  assert.doesNotMatch(planRemarks(plan()).join(), /too many/);
});

void it('`renderPlanPage` draws Kget+, its rivals and the bound in one self-contained page', () => {
  const page = renderPlanPage(plan());
  assert.match(page, /^<!doctype html>/);
  assert.doesNotMatch(page, /https?:|<link|<img|src=|url\(|@import/);
  assert.doesNotMatch(page, /undefined|NaN|Infinity|\[object/);
  const styles = Array.from(page.matchAll(/<path class="([^"]*)"/g), (match) => match[1]);
  assert.deepEqual(styles, ['bound-line', 'r r0', 'k0']);
  const words = page.replace(/<style>.*?<\/style>|<[^>]*>/gs, ' ').replace(/\s+/g, ' ');
  for (const part of [
    'Mean release 30.0 s 1.50 × the bound&#39;s',
    '30.0 MiB of 200 MiB over the frontend&#39;s link',
    'the bound for all: 25.0 s',
    '1.0 s 21.5 s n1:/vm/disk.img n1 → n2 15.0 MiB relay',
    'kgetplus plan -w n[1-2]',
  ]) {
    assert.ok(words.includes(part), `${part}: ${words}`);
  }
});

void it('`renderPlanPage` has no more tags than with plain names when names are hostile', () => {
  assertEscapes((text) =>
    renderPlanPage(
      plan({
        command: text,
        nodes: [node(text)],
        transfers: [transfer({ image: text, from: text, to: text })],
        failures: [{ code: 'unreachable', message: text, node: text, path: text }],
      }),
    ),
  );
});
