import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endsCommand, FAULT_KINDS } from '../../chaos/fault.ts';
import { roundRecord, summarise } from '../../chaos/record.ts';
import { drawScenario } from '../../chaos/scenario.ts';
import { roundLine } from '../../chaos/text.ts';
import { commandEnd } from './field.ts';

const NODES = ['kn01', 'kn02', 'kn03', 'kn04', 'kn05', 'kn06'];
const draw = (number: number) => drawScenario({ seed: 1, number, nodes: NODES });
const scenarios = Array.from({ length: 200 }, (_, index) => draw(index + 1));

void test('`drawScenario` draws the same round when it is given the same numbers', () => {
  assert.deepEqual(draw(7), draw(7));
  assert.notDeepEqual(draw(7), draw(8));
});

void test('`drawScenario` draws every kind of fault, layout and number of copies', () => {
  const faults = scenarios.flatMap((scenario) => scenario.faults);
  assert.deepEqual(new Set(faults.map(({ kind }) => kind)), new Set(FAULT_KINDS));
  assert.deepEqual(new Set(scenarios.map(({ layout }) => layout)), new Set(['files', 'store']));
  assert.deepEqual(new Set(scenarios.map(({ copies }) => copies)), new Set([1, 2]));
});

void test('`drawScenario` draws one to three faults, each within its bounds', () => {
  for (const { faults } of scenarios) {
    assert.ok(faults.length >= 1 && faults.length <= 3);
    assert.equal(new Set(faults.map(({ kind }) => kind)).size, faults.length);
    for (const fault of faults) {
      assert.ok(fault.moment >= 0 && fault.moment < 1);
      if ('seconds' in fault) assert.ok(fault.seconds >= 1 && fault.seconds <= 30);
      if (fault.command === 2) assert.ok(faults.some(endsCommand), 'there is a second command');
    }
  }
});

void test('`roundRecord` and `summarise` count from the moment at which a fault struck', () => {
  const scenario = draw(7);
  const [fault] = scenario.faults;
  assert.ok(fault !== undefined);
  const over = Promise.resolve();
  const strikes = [{ drawn: fault, fault, struckMs: 2000, over }];
  const commands = [commandEnd({ exitCode: 3 }), commandEnd()];
  const end = { seconds: 10, doneMs: 9500, lingerSeconds: 0, problems: ['something'] };
  const record = roundRecord({ scenario, strikes, commands, ...end });
  assert.equal(record.faults[0]?.recoverySeconds, 7.5);
  assert.ok(record.faults.slice(1).every(({ recoverySeconds }) => recoverySeconds === null));
  assert.match(roundLine(record, 1), /^1:7 FAILED 10\.0 s, exits 3 0; /);
  const summary = summarise([record]);
  assert.equal(summary.failed, 1);
  assert.equal(summary.resumes, 1);
  const kind = summary.kinds.find((each) => each.kind === fault.kind);
  assert.equal(kind?.struck, 1);
  assert.equal(kind?.worstRecoverySeconds, 7.5);
});
