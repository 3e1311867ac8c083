import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { it } from 'node:test';
import { renderRacePage } from '../../race/page.ts';
import { heatRecord, raceRecord } from './sample.ts';
import { assertEscapes } from '../report/hostile-names.ts';

const RIVALS = [
  'scp at once',
  'scp one by one',
  'kaget',
  'kaget -F',
  'clush --rcopy',
  'rsync -S',
  'restic',
];

/** Kget+ twice, and all rivals. */
function heats() {
  return [
    heatRecord('kgetplus', [10, 12, 14, 16, 38], { agentsUpSeconds: 2, frontendBytes: 2500 }),
    heatRecord('kgetplus target:80%', [9, 11, 13, 15, 39], { agentsUpSeconds: 2 }),
    ...RIVALS.map((name, index) => heatRecord(name, [30, 32, 34, 36, 40 + index])),
  ];
}

/** The text of a page, without its tags. */
function words(page: string): string {
  return page.replace(/<style>.*?<\/style>|<[^>]*>/gs, ' ').replace(/\s+/g, ' ');
}

void it('`renderRacePage` makes one self-contained page when given a race', () => {
  const page = renderRacePage(raceRecord(heats()));
  assert.match(page, /^<!doctype html>/);
  assert.match(page, /<title>Kget\+ race small<\/title>/);
  assert.doesNotMatch(page, /https?:|<link|<img|src=|url\(|@import/);
  assert.doesNotMatch(page, /undefined|NaN|Infinity|\[object/);
});

void it('`renderRacePage` allows its own script when the policy forbids all others', () => {
  const page = renderRacePage(raceRecord(heats()));
  const scripts = Array.from(page.matchAll(/<script>(.*?)<\/script>/gs), (match) => match[1] ?? '');
  const digest = createHash('sha256')
    .update(scripts[0] ?? '')
    .digest('base64');
  assert.ok(page.includes(`script-src &#39;sha256-${digest}&#39;`));
  assert.equal(scripts.length, 1);
  assert.equal(page.match(/<script/g)?.length, 2);
});

void it('`renderRacePage` begins with Kget+ beside the best rival', () => {
  const text = words(renderRacePage(raceRecord(heats())));
  for (const tile of [
    'Mean release 18.0 s 1.91 × sooner than scp at once (34.4 s)',
    'Half of the nodes released after 14.0 s 2.43 × sooner than scp at once (34.0 s)',
    '80 % of the nodes released after 16.0 s 2.25 × sooner than scp at once (36.0 s)',
    'All images there after 38.0 s 1.05 × sooner than scp at once (40.0 s); 0.95 × the link&#39;s',
    'link 2.44 KiB 1.60 × less than scp at once (3.91 KiB); 0.50 × the images',
    'Images that arrived unchanged 5 of 5 9 of 9 contenders brought all',
  ]) {
    assert.ok(text.includes(tile), tile);
  }
});

void it('`renderRacePage` draws each contender in a style of its own, with its name', () => {
  const page = renderRacePage(raceRecord(heats()));
  const styles = Array.from(page.matchAll(/<path class="([^"]*)"/g), (match) => match[1]);
  assert.equal(styles.length, 9);
  assert.equal(new Set(styles).size, 9);
  assert.equal(styles.at(-1), 'k0', 'Kget+ is drawn last, on top');
  for (const name of RIVALS) assert.ok(page.includes(`${name} <output`), name);
  assert.equal(page.match(/class="curve-name n\d"/g)?.length, RIVALS.length);
  assert.match(words(page), /all images over the link: 40\.0 s/);
});

void it('`renderRacePage` has every figure of a contender in its tables', () => {
  const [text] = words(renderRacePage(raceRecord(heats()))).split('How each was called');
  for (const row of [
    'kgetplus 5/5 18.0 s 2.25 τ 14.0 s 1.75 τ 16.0 s 2.00 τ 38.0 s 0.95 × limit',
    'kgetplus 2.00 s 16.0 s 2.00 τ 12.0 s 1.50 τ 14.0 s 1.75 τ 36.0 s 0.90 × limit',
    'kgetplus 2.44 KiB 0.50 × images 1.25 11.7 KiB 5 3.00 120000 a 100 MB 7.00 1.00 KiB 2.00 KiB',
  ]) {
    assert.ok(text?.includes(row), row);
  }
});

void it('`renderRacePage` says what failed, who was absent and how each was called', () => {
  const heat = heatRecord('kaget', [1, null], { exitCode: 3, complaint: 'no <route>\n' });
  const absent = [{ contender: 'restic', reason: 'not installed' }];
  const text = words(renderRacePage(raceRecord([heat], { absent })));
  assert.match(text, /kaget, round 1 exit code 3, 1 of 2 images missing no &lt;route&gt;/);
  assert.match(text, /restic not installed/);
  assert.match(text, /kaget kaget kn\[01-05\]:\/labnode\/disk\.img out/);
  assert.doesNotMatch(words(renderRacePage(raceRecord(heats()))), /Failures|Not in this race/);
});

/** A page in which every name, command and message is `text`. */
function pageOf(text: string): string {
  const race = raceRecord(
    [
      heatRecord(`kgetplus${text}`, [1, 2], { command: text, agentsUpSeconds: 1 }),
      heatRecord(`kaget${text}`, [1, 2], { command: text }),
      heatRecord('scp', [1, null], { complaint: `!${text}` }),
    ],
    { profile: text, absent: [{ contender: text, reason: text }] },
  );
  const { lab, machine, images } = race;
  return renderRacePage({
    ...race,
    lab: { ...lab, rate: text, frontendRate: text, topology: text },
    machine: { ...machine, model: text, kernel: text, node: text, commit: text },
    images: { ...images, description: text },
  });
}

void it('`renderRacePage` has no more tags than with plain names when names are hostile', () => {
  assertEscapes(pageOf);
});

void it('`renderRacePage` still makes a page when a race has nothing in it', () => {
  for (const race of [raceRecord([]), raceRecord([heatRecord('kgetplus', [])])]) {
    assert.doesNotMatch(renderRacePage(race), /undefined|NaN|Infinity/);
  }
});
