import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { it } from 'node:test';
import { renderSimulationPage } from '../../src/report/simulation-page.ts';
import { renderSimulationText } from '../../src/report/simulation-text.ts';
import { timesWords } from '../../src/report/simulation-words.ts';
import { assertEscapes } from './hostile-names.ts';
import type {
  SimulatedTimes,
  SimulationInputs,
  SimulationReport,
  StrategyRecord,
} from '../../src/report/simulation-record.ts';

const INPUTS: SimulationInputs = {
  nodes: 2,
  medianBytes: 1024 ** 2,
  sigma: 0,
  seed: 1,
  linkBytesPerSecond: 125e6,
  frontendLinkBytesPerSecond: 1.25e9,
  frontends: 1,
  racks: null,
  diskReadBytesPerSecond: null,
  diskWriteBytesPerSecond: null,
  zeroShare: 0,
  duplicateShare: 0,
  families: 1,
  room: null,
  startSeconds: 0,
  senders: 1,
  maxHops: 3,
  copies: 1,
};

function timesOf(half: number, all: number | null): SimulatedTimes {
  return {
    t50Seconds: half,
    t80Seconds: all,
    t100Seconds: all,
    meanReleaseSeconds: all === null ? null : (half + all) / 2,
    makespanSeconds: all,
  };
}

function strategy(name: string, change: Partial<StrategyRecord> = {}): StrategyRecord {
  return {
    name,
    about: `what ${name} does`,
    isOurs: name.startsWith('kgetplus'),
    counts: 'releases',
    moved: 'needed',
    times: timesOf(20, 40),
    timesBound: { t50: 2, t80: 1.6, t100: 1.6, meanRelease: 1.714, makespan: 1.6 },
    curve: [
      { seconds: 20, share: 0.5 },
      { seconds: 40, share: 1 },
    ],
    ...change,
  };
}

function simulation(
  strategies: readonly StrategyRecord[] = [strategy('kgetplus'), strategy('serial')],
  change: Partial<SimulationInputs> = {},
): SimulationReport {
  return {
    schema: 'kgetplus.simulation/1',
    command: 'kgetplus simulate --nodes 2',
    inputs: { ...INPUTS, ...change },
    bound: {
      times: timesOf(10, 25),
      curve: [
        { seconds: 10, share: 0.5 },
        { seconds: 25, share: 1 },
      ],
    },
    strategies,
    leftOut: [],
  };
}

/** The text of a page, without its tags. */
function words(page: string): string {
  return page.replace(/<style>.*?<\/style>|<[^>]*>/gs, ' ').replace(/\s+/g, ' ');
}

void it('`renderSimulationText` has the bound, every strategy, and times the bound’s', () => {
  const text = renderSimulationText(simulation());
  for (const row of [
    /^bound +10\.0 s +25\.0 s +25\.0 s +17\.5 s +25\.0 s$/m,
    /^kgetplus +20\.0 s +40\.0 s +40\.0 s +30\.0 s +40\.0 s$/m,
    /^serial +2\.00 × +1\.60 × +1\.60 × +1\.71 × +1\.60 ×$/m,
  ]) {
    assert.match(text, row);
  }
});

void it('`renderSimulationText` says what was simulated when much was', () => {
  const text = renderSimulationText(
    simulation(undefined, {
      nodes: 10,
      sigma: 0.8,
      seed: 7,
      racks: { count: 3, nodesEach: 4, oversubscription: 2.5 },
      diskReadBytesPerSecond: 200e6,
      diskWriteBytesPerSecond: 36.5e6,
      zeroShare: 0.5,
      duplicateShare: 0.9,
      room: { kind: 'images', images: 1 },
      startSeconds: 90,
    }),
  ).replaceAll('\n', ' ');
  for (const part of [
    '10 nodes at 1.00 Gbit/s, frontend at 10.0 Gbit/s, 3 racks of 4 oversubscribed 2.5:1',
    'disks read 200 MB/s and write 36.5 MB/s, agents up within 1 min 30 s.',
    'one a node, log-normal around 1.00 MiB (σ 0.8, seed 7), 50 % zero, 90 % of the rest the same',
    '1 sender to the frontend, up to 3 relays of an image, room on a node for 1 image.',
  ]) {
    assert.ok(text.includes(part), `${part}: ${text}`);
  }
});

void it('`renderSimulationText` remarks on arrivals and whole images only where there are any', () => {
  const kaget = strategy('kaget', { counts: 'arrivals', moved: 'whole' });
  const both = renderSimulationText(simulation([kaget], { zeroShare: 0.5 }));
  assert.match(both, /kaget: counted from the arrival/);
  assert.match(both, /kaget: whole images/);
  assert.doesNotMatch(renderSimulationText(simulation([kaget])), /whole images/);
  assert.doesNotMatch(renderSimulationText(simulation()), /counted from|whole images/);
});

void it('`renderSimulationText` says so when frontends, families or copies are several', () => {
  const several = { frontends: 2, duplicateShare: 0.5, families: 3, copies: 2 };
  const text = renderSimulationText(simulation(undefined, several)).replaceAll('\n', ' ');
  for (const part of [
    '2 frontends at 10.0 Gbit/s each',
    '50 % the same within each of 3 families',
    '1 sender to the frontends',
    '2 copies elsewhere before a node is released',
    'serial: a node is released when one other has its image.',
  ]) {
    assert.ok(text.includes(part), `${part}: ${text}`);
  }
});

void it('`renderSimulationText` names what was left out', () => {
  const text = renderSimulationText({ ...simulation(), leftOut: ['kaget', 'serial'] });
  assert.match(text, /^Left out, since they would take too long .*: kaget, serial\.$/m);
});

void it('`renderSimulationPage` draws curves of many nodes in steps that can be seen', () => {
  const curve = Array.from({ length: 100_000 }, (_, place) => ({
    seconds: place,
    share: (place + 1) / 100_000,
  }));
  const page = renderSimulationPage(simulation([strategy('kgetplus', { curve })]));
  const data = /<script type="application\/json" id="curves">(.*?)<\/script>/s.exec(page);
  const [points = []] = JSON.parse(data?.[1] ?? '') as [number, number][][];
  assert.equal(points.length, 2000);
  assert.deepEqual(
    points.find(([, share]) => share >= 0.8),
    [79_999, 0.8],
  );
  assert.deepEqual(points.at(-1), [99_999, 1]);
});

void it('`timesWords` has three digits', () => {
  const shown = [1, 9.994, 9.996, 99.94, 99.96, 1024].map((factor) => timesWords(factor));
  assert.deepEqual(shown, ['1.00 ×', '9.99 ×', '10.0 ×', '99.9 ×', '100 ×', '1024 ×']);
  assert.equal(timesWords(null), '–');
});

void it('`renderSimulationPage` makes one self-contained page with its own script alone', () => {
  const page = renderSimulationPage(simulation());
  assert.match(page, /^<!doctype html>/);
  assert.doesNotMatch(page, /https?:|<link|<img|src=|url\(|@import/);
  assert.doesNotMatch(page, /undefined|NaN|Infinity|\[object/);
  const scripts = Array.from(page.matchAll(/<script>(.*?)<\/script>/gs), (match) => match[1] ?? '');
  const digest = createHash('sha256')
    .update(scripts[0] ?? '')
    .digest('base64');
  assert.ok(page.includes(`script-src &#39;sha256-${digest}&#39;`));
  assert.equal(scripts.length, 1);
});

void it('`renderSimulationPage` draws all curves and the bound, and gives their points', () => {
  const page = renderSimulationPage(simulation());
  const styles = Array.from(page.matchAll(/<path class="([^"]*)"/g), (match) => match[1]);
  assert.deepEqual(styles, ['bound-line', 'r r0', 'k0']);
  for (const name of ['kgetplus', 'serial', 'bound']) assert.ok(page.includes(`${name} <output`));
  const data = /<script type="application\/json" id="curves">(.*?)<\/script>/s.exec(page);
  assert.deepEqual((JSON.parse(data?.[1] ?? '') as unknown[]).at(-1), [
    [10, 0.5],
    [25, 1],
  ]);
});

void it('`renderSimulationPage` has inputs, figures, remarks and the command', () => {
  const kaget = strategy('kaget', { counts: 'arrivals' });
  const text = words(renderSimulationPage(simulation([strategy('kgetplus'), kaget])));
  for (const part of [
    'Mean release with kgetplus 30.0 s 1.71 × the bound&#39;s 17.5 s',
    'Cluster 2 nodes at 1.00 Gbit/s, frontend at 10.0 Gbit/s',
    'the bound for all: 25.0 s',
    'kaget 20.0 s 2.00 × 40.0 s 1.60 × 40.0 s 1.60 × 30.0 s 1.71 × 40.0 s 1.60 ×',
    'bound 10.0 s 25.0 s 25.0 s 17.5 s 25.0 s',
    'kaget: counted from the arrival of a node&#39;s image on',
    'kgetplus simulate --nodes 2',
    'what kaget does',
  ]) {
    assert.ok(text.includes(part), part);
  }
});

void it('`renderSimulationPage` still makes a page when nothing ends, or nothing is compared', () => {
  const never = strategy('kgetplus', {
    times: timesOf(20, null),
    timesBound: { t50: 2, t80: null, t100: null, meanRelease: null, makespan: null },
    curve: [{ seconds: 20, share: 0.5 }],
  });
  for (const report of [simulation([]), simulation([never])]) {
    assert.doesNotMatch(renderSimulationPage(report), /undefined|NaN|Infinity/);
  }
  assert.match(
    words(renderSimulationPage(simulation([never]))),
    /kgetplus 20\.0 s 2\.00 × never –/,
  );
});

/** A page in which every name and text is `text`. */
function pageOf(text: string): string {
  const strategies = [`kgetplus${text}`, text].map((name) => strategy(name, { about: text }));
  return renderSimulationPage({ ...simulation(strategies), command: text });
}

void it('`renderSimulationPage` has no more tags than with plain names when names are hostile', () => {
  assertEscapes(pageOf);
});
