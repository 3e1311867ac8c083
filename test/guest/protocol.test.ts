import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type GuestEvent, parseGuestEvent } from '../../src/guest/protocol.ts';

/** The line of an event, as a job runner writes it. */
function lineOf(event: GuestEvent): string {
  switch (event.kind) {
    case 'ready':
    case 'started':
    case 'done':
      return event.kind;
    case 'exit':
      return `exit ${event.status}`;
    case 'outputs':
      return `outputs ${event.archiveBytes}`;
    case 'failed':
      return `failed ${event.reason}`.trim();
    default:
      return event satisfies never;
  }
}

const number = fc.nat({ max: 10 ** 15 - 1 });
const reason = fc
  .array(fc.stringMatching(/^[!-~äß]{1,12}$/), { maxLength: 20 })
  .map((words) => words.join(' '));

const event: fc.Arbitrary<GuestEvent> = fc.oneof(
  fc.constantFrom({ kind: 'ready' }, { kind: 'started' }, { kind: 'done' } as const),
  number.map((status) => ({ kind: 'exit', status }) as const),
  number.map((archiveBytes) => ({ kind: 'outputs', archiveBytes }) as const),
  reason.map((words) => ({ kind: 'failed', reason: words }) as const),
);

/** Lines that are nearly right. */
const line = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .tuple(
      fc.constantFrom('ready', 'exit', 'outputs', 'failed', 'done', 'toString', '__proto__'),
      fc.string({ unit: 'binary' }),
    )
    .map((words) => words.join(' ')),
);

void test('`parseGuestEvent` reads each event as it was written', () => {
  fc.assert(
    fc.property(event, fc.constantFrom('', '\r', ' ', '\r\n'), (wanted, end) => {
      assert.deepEqual(parseGuestEvent(lineOf(wanted) + end), wanted);
    }),
  );
});

void test('`parseGuestEvent` never throws, and what it reads is read again as the same', () => {
  fc.assert(
    fc.property(line, (text) => {
      const found = parseGuestEvent(text);
      if (found !== undefined) assert.deepEqual(parseGuestEvent(lineOf(found)), found);
    }),
    { numRuns: 2000 },
  );
});

void test('`parseGuestEvent` has numbers that are safe, or none', () => {
  const digits = fc.stringMatching(/^\d{1,30}$/);
  fc.assert(
    fc.property(fc.constantFrom('exit', 'outputs'), digits, (word, text) => {
      const found = parseGuestEvent(`${word} ${text}`);
      assert.equal(found === undefined, text.length > 15);
      if (found?.kind === 'exit') assert.equal(found.status, Number(text));
      if (found?.kind === 'outputs') assert.equal(found.archiveBytes, Number(text));
    }),
  );
});

const NO_EVENTS = [
  '',
  ' ',
  'exit',
  'exit ',
  'exit -1',
  'exit 1.5',
  'exit 0x10',
  'exit 1e3',
  'exit 1 2',
  'outputs',
  'outputs NaN',
  'outputs 1234567890123456',
  'Ready',
  'readyx',
  'exit\t1',
  'toString',
  '__proto__',
];

for (const text of NO_EVENTS) {
  void test(`\`parseGuestEvent\` passes over "${text.replace('\t', String.raw`\t`)}"`, () => {
    assert.equal(parseGuestEvent(text), undefined);
  });
}

void test('`parseGuestEvent` gives a short and printable reason when a guest says anything', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 2000, size: 'max' }), (text) => {
      const found = parseGuestEvent(`failed ${text}`);
      assert.ok(found?.kind === 'failed');
      assert.ok(found.reason.length <= 500);
      assert.doesNotMatch(found.reason, /\p{C}/u);
    }),
  );
  const escape = parseGuestEvent('failed \u001B[2Jno room');
  assert.deepEqual(escape, { kind: 'failed', reason: '[2Jno room' });
});
