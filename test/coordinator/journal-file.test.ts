import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { KgetError } from '../../src/base/error.ts';
import { foldJournal, type Resumption } from '../../src/coordinator/fold-journal.ts';
import { openJournal, readJournal } from '../../src/coordinator/journal-file.ts';
import { headerLine, journalLine, parseJournal } from '../../src/coordinator/journal-lines.ts';
import type { JournalRecord } from '../../src/coordinator/journal.ts';
import { temporaryDirectory } from '../control/temporary.ts';

const RUN: JournalRecord = { type: 'run', run: 'r1', startedAt: '2026-01-01T00:00:00Z' };
const PATH = 'journal.jsonl';

const node = fc.constantFrom('n1', 'n2', 'n\u00efde"3\n', '00000000 {');
const seconds = fc.double({ min: 0, max: 1e6, noNaN: true });
const transfer = fc.record({
  from: node,
  startSeconds: seconds,
  endSeconds: seconds,
  wireBytes: fc.nat(),
  chunks: fc.nat(),
});
const image = node.map((name) => `${name}:/d`);
const somewhere = fc.option(node);
const record: fc.Arbitrary<JournalRecord> = fc.oneof(
  fc.record({ type: fc.constant('image'), image, node, path: fc.string(), sizeBytes: fc.nat() }),
  fc.record({ type: fc.constant('copy'), image, at: somewhere, digest: fc.string(), transfer }),
  fc.record({ type: fc.constant('failed'), image, to: somewhere, transfer }),
  fc.record({ type: fc.constant('released'), node, seconds }),
  fc.record({ type: fc.constant('given-back'), node }),
);
/** Records that are synced each by itself. */
const synced = record.filter(({ type }) => type !== 'image' && type !== 'failed');
const records = fc.array(record, { maxLength: 12 }).map((some) => some.toSpliced(0, 0, RUN));

void suite('journal file', () => {
  void test('`readJournal` reads what was appended, also by several runs', () => {
    const path = join(temporaryDirectory(), PATH);
    fc.assert(
      fc.property(records, records, (first, second) => {
        write(path, first);
        write(path, second, readJournal(path).goodBytes);
        assert.deepEqual(readJournal(path).records, jsonOf([...first, ...second]));
      }),
      { numRuns: 10 },
    );
  });

  void test('`parseJournal` knows a beginning of the truth when the file is cut anywhere', () => {
    fc.assert(
      fc.property(records, fc.nat(), (all, at) => {
        const bytes = bytesOf(all);
        const cut = bytes.subarray(0, at % (bytes.length + 1));
        const read = parseJournal({ path: PATH, bytes: cut });
        const wholeLines = cut.toString().split('\n').length - 1;
        const whole = all.slice(0, Math.max(0, wholeLines - 1));
        assert.deepEqual(read.records, jsonOf(whole), 'no whole line is left out');
        assert.equal(read.goodBytes, cut.lastIndexOf('\n') + 1);
      }),
    );
  });

  void test('`openJournal` cuts a torn end off, and appends behind what was good', () => {
    const path = join(temporaryDirectory(), PATH);
    const cut = bytesOf([RUN, RUN, RUN]).subarray(0, -5);
    writeFileSync(path, cut);
    write(path, [{ type: 'end' }], readJournal(path).goodBytes);
    assert.deepEqual(readJournal(path).records, [RUN, RUN, { type: 'end' }]);
  });

  void test('`foldJournal` of a cut journal claims nothing that is not so', () => {
    fc.assert(
      fc.property(records, fc.nat(), (all, length) => {
        const part = foldJournal(all.slice(0, length % (all.length + 1)));
        for (const claim of claimsOf(part)) {
          const since = all.slice(0, length % (all.length + 1));
          assert.ok(
            since.some((one) => claim === claimOf(one)),
            claim,
          );
        }
      }),
    );
  });

  void test('`parseJournal` leaves the last record out when any byte of it is damaged', () => {
    fc.assert(
      fc.property(
        records,
        synced,
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (all, last, at, by) => {
          const goodBytes = bytesOf(all).length;
          const bytes = bytesOf([...all, last]);
          flip(bytes, goodBytes + (at % (bytes.length - goodBytes)), by);
          const read = parseJournal({ path: PATH, bytes });
          assert.deepEqual(read.records, jsonOf(all));
          assert.equal(read.goodBytes, goodBytes);
        },
      ),
    );
  });

  void test('`parseJournal` refuses a journal when any byte before its last record is damaged', () => {
    fc.assert(
      fc.property(
        records,
        synced,
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (all, last, at, by) => {
          const goodBytes = bytesOf(all).length;
          const bytes = bytesOf([...all, last]);
          const place = at % goodBytes;
          const line = bytes.subarray(0, place).toString('latin1').split('\n').length;
          flip(bytes, place, by);
          assert.throws(
            () => parseJournal({ path: PATH, bytes }),
            (error) =>
              error instanceof KgetError &&
              error.code === 'corrupt' &&
              error.message.includes(`${PATH}, line ${line}:`) &&
              error.message.includes('--fresh'),
          );
        },
      ),
    );
  });

  void test('`parseJournal` takes a hole among records that were not synced for a torn end', () => {
    const kept = bytesOf([RUN]).length;
    const bytes = bytesOf([RUN, named('n1'), named('n2'), named('n3')]);
    bytes.fill(0, kept + 10, kept + 100);
    assert.deepEqual(parseJournal({ path: PATH, bytes }).records, [RUN]);
    const later = bytesOf([RUN, named('n1'), named('n2'), { type: 'released', node: 'n2' }]);
    later.fill(0, kept + 10, kept + 100);
    assert.throws(() => parseJournal({ path: PATH, bytes: later }), { code: 'corrupt' });
  });

  void test('`parseJournal` refuses a damaged line of starts without end, and soon', () => {
    const line = Buffer.from(`x${'00000000 {'.repeat(200_000)}`);
    const whole = Buffer.concat([bytesOf([RUN]), line, Buffer.from('\n')]);
    assert.throws(() => parseJournal({ path: PATH, bytes: whole }), { code: 'corrupt' });
    // A line without its end is torn, whatever is in it.
    assert.deepEqual(parseJournal({ path: PATH, bytes: whole.subarray(0, -1) }).records, [RUN]);
  });

  void test('`openJournal` begins anew when nothing is to be kept', () => {
    const path = join(temporaryDirectory(), PATH);
    write(path, [RUN]);
    openJournal(path, 0).close();
    assert.deepEqual(readJournal(path).records, []);
    assert.match(readFileSync(path, 'utf8'), /^[0-9a-f]{8} \{"schema":"kgetplus.journal\/2"\}\n$/);
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  void test('`openJournal` fails as the system does where it cannot write', () => {
    assert.throws(() => openJournal('/proc/journal.jsonl', 0), { code: 'target-unwritable' });
  });

  void test('`readJournal` tells a journal of a later version, and records that it does not know', () => {
    const path = join(temporaryDirectory(), PATH);
    const later = { type: 'moon', phase: 'new' } as unknown as JournalRecord;
    write(path, [RUN, later]);
    assert.throws(() => readJournal(path), { code: 'version', message: /line 3.*--fresh/ });
    const header = { schema: 'kgetplus.journal/3' } as unknown as JournalRecord;
    write(path, [header]);
    assert.throws(() => readJournal(path), { code: 'version', message: /journal\/3.*journal\/2/ });
  });
});

void suite('journal file without checksums', () => {
  const old = [RUN, { type: 'released', node: 'n1' } as const];
  const text = old.map((one) => `${JSON.stringify(one)}\n`).join('');

  void test('`readJournal` reads it, and `openJournal` continues it with checksums', () => {
    const path = join(temporaryDirectory(), PATH);
    writeFileSync(path, `${text}{"type":"copy","ima`);
    assert.deepEqual(readJournal(path), { records: old, goodBytes: text.length });
    for (let run = 1; run <= 2; run += 1) {
      write(path, [RUN], readJournal(path).goodBytes);
      assert.deepEqual(readJournal(path).records, [...old, ...[RUN, RUN].slice(0, run)]);
    }
    const lines = readFileSync(path, 'utf8').split('\n');
    assert.match(lines[3] ?? '', /^[0-9a-f]{8} \{"type":"run"/);
    appendFileSync(path, `${JSON.stringify({ type: 'end' })}\n`);
    assert.notEqual(foldJournal(readJournal(path).records), undefined, 'a line without checksum');
  });

  void test('`readJournal` refuses it when good records follow damage', () => {
    const path = join(temporaryDirectory(), PATH);
    writeFileSync(path, `${text}{"type":"cop{"typ\n${text}`);
    assert.throws(() => readJournal(path), { code: 'corrupt', message: /line 3: / });
  });
});

void suite('journal file on a disk that fills up', () => {
  const limited = join(import.meta.dirname, 'limited-journal.ts');

  void test('`append` leaves nothing of a record that did not fit, and goes on', () => {
    const path = join(temporaryDirectory(), PATH);
    const script = `ulimit -f 2; exec ${process.execPath} ${limited} ${path}`;
    const { status, stdout, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    const { appended, refused } = JSON.parse(stdout) as { appended: string[]; refused: string[] };
    assert.ok(refused.length > 0, 'the limit was reached');
    assert.ok(appended.includes('short'), 'a shorter record fits afterwards');
    const { records: read, goodBytes } = readJournal(path);
    assert.deepEqual(
      read.map((one) => (one.type === 'released' ? one.node : one.type)),
      appended,
    );
    assert.equal(statSync(path).size, goodBytes, 'nothing is left of what did not fit');
  });
});

function named(name: string): JournalRecord {
  return { type: 'image', image: `${name}:/d`, node: name, path: '/d', sizeBytes: 1 };
}

function write(path: string, all: readonly JournalRecord[], keepBytes = 0): Buffer {
  const journal = openJournal(path, keepBytes);
  for (const one of all) journal.append(one);
  journal.close();
  return readFileSync(path);
}

function bytesOf(all: readonly JournalRecord[]): Buffer {
  return Buffer.from([headerLine(), ...all.map(journalLine)].join(''));
}

/** As they come back: -0 is 0 in JSON. */
function jsonOf(all: readonly JournalRecord[]): JournalRecord[] {
  return JSON.parse(JSON.stringify(all)) as JournalRecord[];
}

function flip(bytes: Buffer, at: number, by: number): void {
  bytes[at] = (bytes[at] ?? 0) ^ by;
}

/** What a resumption says that nothing may say falsely. */
function claimsOf(resumption: Resumption | undefined): string[] {
  if (resumption === undefined) return [];
  const released = [...resumption.released].map(([name]) => `${name} released`);
  const back = [...resumption.released].filter(([, { givenBack }]) => givenBack);
  const images = [...resumption.images];
  const copies = images.flatMap(([id, { copies: places }]) => places.map((at) => `${id} at ${at}`));
  const safe = images.filter(([, one]) => one.safe).map(([id]) => `${id} at null`);
  return [...released, ...back.map(([name]) => `${name} given back`), ...copies, ...safe];
}

function claimOf(one: JournalRecord): string | undefined {
  if (one.type === 'released') return `${one.node} released`;
  if (one.type === 'given-back') return `${one.node} given back`;
  return one.type === 'copy' ? `${one.image} at ${one.at}` : undefined;
}
