import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { missingForLab } from '../../lab/requirements.ts';
import { findTool } from '../../lab/tools.ts';
import { raceFigures } from '../../race/figures.ts';
import type { HeatRecord, RaceRecord } from '../../race/record.ts';

const MAIN = join(import.meta.dirname, '../../race/main.ts');

const missing = missingForLab();
if (findTool('iperf3') === undefined) missing.push('iperf3 not found: apt-get install iperf3');
const skip = missing.length > 0 && missing.join('; ');

function race(...words: readonly string[]) {
  return spawnSync(process.execPath, [MAIN, ...words], { encoding: 'utf8' });
}

void describe('npm run race', { skip, timeout: 240_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'kgetplus-race-'));
  let record: RaceRecord;
  let printed: string;

  before(() => {
    const { status, stdout, stderr } = race('quick', '--to', directory);
    assert.equal(status, 0, stderr);
    printed = stdout;
    record = JSON.parse(readFileSync(join(directory, 'race.json'), 'utf8')) as RaceRecord;
  });
  after(() => rmSync(directory, { recursive: true }));

  function heatOf(name: string): HeatRecord {
    const heat = record.heats.find((each) => each.contender === name);
    assert.ok(heat, name);
    return heat;
  }

  void it('every contender that is installed brings every image unchanged', () => {
    assert.ok(record.heats.length >= 4);
    for (const { contender, exitCode, nodes, complaint } of record.heats) {
      assert.equal(exitCode, 0, `${contender}: ${complaint}`);
      assert.equal(nodes.filter((node) => node.isIdentical).length, 8, contender);
    }
  });

  void it('one node sends to the frontend at a time under Kget+, and several under scp', () => {
    assert.equal(heatOf('kgetplus').peakSenders, 1);
    assert.equal(heatOf('kgetplus target:80%').peakSenders, 1);
    assert.ok(heatOf('scp at once').peakSenders > 1);
  });

  void it('half of the nodes are released when less than half of the images has come', () => {
    const { contenders } = raceFigures(record);
    const ours = contenders.find(({ contender }) => contender === 'kgetplus');
    assert.ok((ours?.t50Seconds ?? 99) < (ours?.allDoneSeconds ?? 0) / 2);
  });

  void it('no contender is faster than the link, by the kernel’s counters', () => {
    const { logicalBytes } = record.images;
    assert.equal(logicalBytes, 8 * 4 * 1024 * 1024);
    for (const { frontendBytes, contender } of record.heats) {
      assert.ok(frontendBytes > logicalBytes, contender);
      assert.ok(frontendBytes < 1.2 * logicalBytes, contender);
    }
  });

  void it('the table and the page name every contender, and `show` prints the same again', () => {
    const page = readFileSync(join(directory, 'race.html'), 'utf8');
    for (const { contender } of record.heats) {
      assert.ok(printed.includes(contender), contender);
      assert.ok(page.includes(contender), contender);
    }
    const shown = race('show', join(directory, 'race.json')).stdout;
    assert.ok(printed.startsWith(shown));
    assert.match(race('show', '--markdown', join(directory, 'race.json')).stdout, /^\| kgetplus /m);
  });

  void it('`--redo` runs some contenders again and keeps the others', () => {
    const { status, stderr } = race('quick', '--redo', '--only', 'scp at once', '--to', directory);
    assert.equal(status, 0, stderr);
    const file = join(directory, 'race.json');
    const { heats } = JSON.parse(readFileSync(file, 'utf8')) as RaceRecord;
    assert.deepEqual(
      heats.map((heat) => heat.contender),
      record.heats.map((heat) => heat.contender),
    );
    const changed = heats.filter(
      (heat, index) => heat.startedAt !== record.heats[index]?.startedAt,
    );
    assert.deepEqual(
      changed.map((heat) => heat.contender),
      ['scp at once'],
    );
    const other = race('paper', '--redo', '--to', directory);
    assert.match(other.stderr, /it is a race "quick", wanted "paper"/);
  });
});

void describe('npm run race, wrongly used', { skip }, () => {
  void it('says what there is when a profile or a contender is not known', () => {
    const unknown = race('fast');
    assert.equal(unknown.status, 1);
    assert.match(unknown.stderr, /Cannot run race "fast": wanted quick, paper, real, skew, racks/);
    const nobody = race('quick', '--only', 'ftp');
    assert.match(nobody.stderr, /Cannot find contender "ftp": there are kgetplus, /);
  });
});
