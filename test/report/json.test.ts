import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as fc from 'fast-check';
import { KgetError } from '../../src/base/error.ts';
import { parseReport, serialiseReport } from '../../src/report/json.ts';
import { imageReport, nodeReport, runReport, transferReport } from './sample.ts';

function parse(value: unknown) {
  return parseReport({ text: JSON.stringify(value), file: 'run.json' });
}

function refuses(text: string, code: string, message: RegExp) {
  assert.throws(
    () => parseReport({ text, file: 'run.json' }),
    (error) => {
      assert.ok(error instanceof KgetError);
      assert.equal(error.code, code);
      assert.match(error.message, /^Cannot read "run\.json" as a report: /);
      assert.match(error.message, message);
      return true;
    },
  );
}

void it('`parseReport` gives back the report when `serialiseReport` wrote it', () => {
  const moment = fc.double({ min: 0, max: 1e7, noNaN: true }).map((seconds) => seconds + 0);
  const name = fc.string({ unit: 'binary' });
  const reports = fc.record({
    run: name,
    seconds: moment,
    nodes: fc.array(fc.tuple(name, fc.option(moment)).map((pair) => nodeReport(...pair))),
    images: fc.array(fc.tuple(name, name).map(([node, path]) => imageReport(node, { path }))),
    transfers: fc.array(
      fc
        .tuple(name, moment)
        .map(([from, startSeconds]) =>
          transferReport({ from, startSeconds, endSeconds: startSeconds + 1 }),
        ),
    ),
  });
  fc.assert(
    fc.property(reports, (change) => {
      const report = runReport(change);
      const text = serialiseReport(report);
      assert.deepEqual(parseReport({ text, file: 'run.json' }), report);
    }),
  );
});

void it('`parseReport` gives back failures when there are some', () => {
  const failure = { code: 'unreachable', message: 'gone', node: 'node1', path: null } as const;
  const report = runReport({ failures: [failure] });
  assert.deepEqual(parse(report), report);
});

void it('`parseReport` leaves out fields when it does not know them', () => {
  assert.deepEqual(parse({ ...runReport(), more: 1 }), runReport());
});

void it('`parseReport` says which version it wants when the report has another one', () => {
  const text = JSON.stringify({ ...runReport(), schema: 'kgetplus.report/2' });
  refuses(text, 'version', /schema "kgetplus\.report\/2" found, wanted "kgetplus\.report\/1"/);
});

void it('`parseReport` refuses a text when it is no report', () => {
  refuses('', 'corrupt', /it is not JSON/);
  refuses('null', 'corrupt', /no field "schema" found/);
  refuses('{"a": 1}', 'corrupt', /no field "schema" found/);
});

/** The text of a good report but for this change. */
function wrong(change: object): string {
  return JSON.stringify({ ...runReport(), ...change });
}

void it('`parseReport` names the place when a field is wrong', () => {
  const node = nodeReport('a', 1);
  refuses(wrong({ seconds: -1 }), 'corrupt', /: seconds: wanted at least 0/);
  refuses(wrong({ nodes: [node, { ...node, state: 'gone' }] }), 'corrupt', /nodes\[1\]\.state: /);
  refuses(wrong({ nodes: [{ ...node, node: 7 }] }), 'corrupt', /nodes\[0\]\.node: wanted string/);
  const backwards = transferReport({ startSeconds: 2, endSeconds: 1 });
  refuses(wrong({ transfers: [backwards] }), 'corrupt', /transfers\[0\]\.endSeconds: wanted a mom/);
  refuses(wrong({ startedAt: 'today', run: 3 }), 'corrupt', /\(and 1 more faults?\)/);
});

void it('`parseReport` throws nothing but a KgetError when given any JSON', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue(), (fields, value) => {
      const schema = 'kgetplus.report/1';
      assert.throws(() => parse({ ...runReport(), ...fields, schema, nodes: 1 }), KgetError);
      assert.throws(() => parse({ ...fields, schema }), KgetError);
      assert.throws(() => parse(value), KgetError);
    }),
  );
});

void it('`serialiseReport` fails when a figure is not a number', () => {
  assert.throws(() => serialiseReport(runReport({ seconds: Number.NaN })), /Assertion failed/);
});
