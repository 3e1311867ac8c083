import assert from 'node:assert/strict';
import { appendFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkCopies, checkSources } from '../../chaos/check-copies.ts';
import { checkCounted } from '../../chaos/check-counted.ts';
import { checkLeftovers } from '../../chaos/check-leftovers.ts';
import { checkReport } from '../../chaos/check-report.ts';
import { placesOf } from '../../chaos/places.ts';
import { serialiseReport } from '../../src/report/json.ts';
import { commandEnd, hookLines, playedRound, put, spoolName } from './field.ts';

void test('no check has anything to say of a round that went well', async (t) => {
  const { round } = playedRound(t);
  assert.deepEqual(checkSources(round), []);
  assert.deepEqual(await checkCopies(round), []);
  assert.deepEqual(checkReport(round), []);
  assert.deepEqual(checkLeftovers(round), []);
  assert.deepEqual(checkCounted(round), []);
});

void test('`checkSources` names an image that was written to', (t) => {
  const { round } = playedRound(t);
  writeFileSync(round.sources[1]?.file ?? '', 'kn03');
  assert.match(checkSources(round).join('\n'), /^the source kn02:\S+ has other content/);
});

void test('`checkCopies` names a copy with a wrong byte, and one that is not there', async (t) => {
  const { round, target } = playedRound(t);
  writeFileSync(join(target, 'kn01/disk.img'), 'kn0x');
  rmSync(join(target, 'kn02/disk.img'));
  const problems = await checkCopies(round);
  assert.equal(problems.length, 2);
  assert.match(problems[0] ?? '', /kn01\/disk.img is not like kn01/);
  assert.match(problems[1] ?? '', /^kn02:\S+ is not there/);
});

void test('`checkLeftovers` names what is left in spools and in the target', (t) => {
  const { round, target } = playedRound(t);
  put(join(round.directory, 'kn02/home/.cache/kgetplus/spool/0a/kn02/agent.sock'), '');
  put(join(target, 'kn01/.disk.img.kgetplus-part'), '');
  put(join(target, '.kgetplus/lock'), '');
  const problems = checkLeftovers(round);
  assert.match(problems[0] ?? '', /^left in the spool of kn02: .*agent\.sock/);
  assert.deepEqual(problems.slice(1).toSorted(), [
    'left in the target: .kgetplus/lock',
    'left in the target: kn01/.disk.img.kgetplus-part',
  ]);
});

void test('`checkReport` names a node that the report does not know released, or an image safe', (t) => {
  const { round, report } = playedRound(t);
  const nodes = report.nodes.map((node) => ({ ...node, state: 'held' as const }));
  const images = report.images.slice(1);
  const text = serialiseReport({ ...report, nodes, images });
  const problems = checkReport({ ...round, commands: [commandEnd({ report: text })] });
  assert.ok(problems.includes('the report says that kn01 is held'));
  assert.ok(problems.includes('the report has 0 images of kn01'));
  assert.ok(problems.some((problem) => problem.endsWith('counts 2 of 2 safe, it has 1')));
});

void test('`checkReport` names release commands that did not run, or ran too early', (t) => {
  const { round, hookLog } = playedRound(t);
  writeFileSync(hookLog, hookLines('kn02', 1));
  const problems = checkReport(round);
  assert.ok(problems.includes('kn01 is released, and its release command did not run'));
  assert.ok(
    problems.includes('the release command of kn02 ran 3000 ms before its release in the report'),
  );
});

void test('`checkReport` names a release command that succeeded and ran again', (t) => {
  const { round, hookLog } = playedRound(t);
  appendFileSync(hookLog, hookLines('kn01', 6));
  assert.deepEqual(checkReport(round), ['the release command of kn01 succeeded, and ran again']);
});

void test('`checkReport` lets a release command run again whose success nobody noted', (t) => {
  const { round, hookLog, report } = playedRound(t);
  appendFileSync(hookLog, hookLines('kn01', 6));
  const killed = commandEnd({ exitCode: 137, seconds: 5 });
  const last = { report: serialiseReport(report), begunAtMs: killed.begunAtMs + 5500 };
  const commands = [killed, commandEnd(last)];
  assert.deepEqual(checkReport({ ...round, commands }), []);
  const journal = '0a0b0c0d {"type":"given-back","node":"kn01"}\n';
  const noted = [{ ...killed, journal }, commandEnd(last)];
  assert.equal(checkReport({ ...round, commands: noted }).length, 1);
});

void test('`checkCounted` names an image that came again after it had counted', (t) => {
  const { round, report } = playedRound(t);
  const [source] = round.sources;
  const journal = [
    `01234567 {"type":"image","image":"${source?.id}"}`,
    `01234567 {"type":"copy","image":"${source?.id}","at":null}`,
    '',
  ].join('\n');
  const before = commandEnd({ exitCode: 137, journal });
  const again = commandEnd({ words: ['resume'], report: serialiseReport(report) });
  const problems = checkCounted({ ...round, commands: [before, again] });
  assert.deepEqual(problems, [`command 2 fetched ${source?.id} again, which had counted`]);
  // A report of the whole run has the transfer that made it count.
  const later = { ...again, begunAtMs: before.begunAtMs + 20_000 };
  assert.deepEqual(checkCounted({ ...round, commands: [before, later] }), []);
});

void test('`placesOf` finds copies on the frontend and in spools', (t) => {
  const { round, target } = playedRound(t);
  const [source] = round.sources;
  assert.ok(source !== undefined);
  assert.deepEqual(placesOf(round.lab, source), { onFrontend: true, spools: [] });
  rmSync(join(target, 'kn01/disk.img'));
  const spool = join(round.directory, 'kn02/home/.cache/kgetplus/spool/0a1b/kn02');
  put(join(spool, `${spoolName(source.id)}.json`), '{}');
  assert.deepEqual(placesOf(round.lab, source), { onFrontend: false, spools: [] });
  put(join(spool, spoolName(source.id)), 'kn01');
  assert.deepEqual(placesOf(round.lab, source), { onFrontend: false, spools: ['kn02'] });
});
