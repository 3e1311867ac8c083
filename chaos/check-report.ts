import { parseReport } from '../src/report/json.ts';
import type { RunReport } from '../src/report/record.ts';
import type { PlayedRound } from './check-round.ts';
import type { CommandEnd } from './command.ts';
import { readHookLog } from './hook.ts';

/** Clocks of the report and of the hook's log are the same; the hook starts a little later. */
const EARLY_MS = 1500;

/** The reports of some commands, each once. */
export function reportsOf(commands: readonly CommandEnd[]): readonly RunReport[] {
  const texts = commands.map(({ report }) => report).filter((text) => text !== undefined);
  return [...new Set(texts)].map((text) => parseReport({ text, file: 'report.json' }));
}

/**
 * The last report of each node says what is true: every image safe, every node released and given
 * back.
 */
export function checkReport(round: PlayedRound): readonly string[] {
  const reports = reportsOf(round.commands);
  const problems = round.lab.nodes.flatMap(({ name }) => {
    const report = reports.findLast(({ nodes }) => nodes.some(({ node }) => node === name));
    if (report === undefined) return [`no report tells of ${name}`];
    return [...checkImages(round, name, report), ...checkNode(round, name, report)];
  });
  return [...problems, ...reports.flatMap(checkSums), ...checkHooks(round)];
}

function checkImages({ sources }: PlayedRound, name: string, report: RunReport): readonly string[] {
  const named = report.images.filter(({ node }) => node === name);
  const own = sources.filter(({ node }) => node === name);
  const count =
    named.length === own.length ? [] : [`the report has ${named.length} images of ${name}`];
  const problems = own.flatMap(({ id, sizeBytes }) => {
    const image = named.find(({ node, path }) => `${node}:${path}` === id);
    if (image === undefined) return [`the report does not have ${id}`];
    if (image.state !== 'safe') return [`the report says that ${id} is ${image.state}`];
    return image.sizeBytes === sizeBytes ? [] : [`the report has another size of ${id}`];
  });
  return [...count, ...problems];
}

/** Sums agree with what they are sums of. */
function checkSums({ run, images, summary }: RunReport): readonly string[] {
  const safe = images.filter(({ state }) => state === 'safe').length;
  if (summary.images === images.length && summary.safe === safe) return [];
  return [`the report of ${run} counts ${summary.safe} of ${summary.images} safe, it has ${safe}`];
}

function checkNode({ lab }: PlayedRound, name: string, report: RunReport): readonly string[] {
  const node = report.nodes.find((each) => each.node === name);
  if (node?.state !== 'released') return [`the report says that ${name} is ${node?.state}`];
  const run = readHookLog(lab).findLast((hook) => hook.node === name && hook.word === 'run');
  if (run === undefined) return [`${name} is released, and its release command did not run`];
  if (node.releasedSeconds === null) return [`the report does not say when ${name} was released`];
  const releasedMs = Date.parse(report.startedAt) + node.releasedSeconds * 1000;
  const earlyMs = Math.round(releasedMs - run.atMs);
  if (earlyMs < EARLY_MS) return [];
  return [`the release command of ${name} ran ${earlyMs} ms before its release in the report`];
}

/** A release command runs again only if nobody knows that it succeeded, and succeeds in the end. */
function checkHooks({ lab, commands }: PlayedRound): readonly string[] {
  const log = readHookLog(lab);
  return lab.nodes.flatMap(({ name }) => {
    const successes = log.filter(({ word, node }) => word === 'ok' && node === name);
    const failures = log.filter(({ word, node }) => word === 'failed' && node === name);
    const repeated = successes.slice(1).filter((again, index) => {
      const before = successes[index]?.atMs ?? 0;
      const between = commands.filter(
        ({ begunAtMs, seconds }) => begunAtMs <= before && begunAtMs + seconds * 1000 < again.atMs,
      );
      // One that is asked back is released once more.
      if (commands.some(({ stderr }) => stderr.includes(`${name}: asked back`))) return false;
      // What was killed may not have noted it: it runs at least once.
      const isNoted = between.some(({ journal }) => notes(journal, name));
      return isNoted || between.every(({ exitCode }) => exitCode !== 137);
    });
    const told = reportsOf(commands)
      .flatMap((report) => report.failures)
      .some((failure) => failure.node === name && failure.message.includes('release command'));
    const isKnown = successes.length > 0 || (failures.length > 0 && told);
    return [
      ...repeated.map(() => `the release command of ${name} succeeded, and ran again`),
      ...(isKnown ? [] : [`the release command of ${name} did not succeed, and no report says so`]),
    ];
  });
}

/** Whether a journal has a note that the release command of a node succeeded. */
function notes(journal: string | undefined, node: string): boolean {
  return (journal ?? '').includes(`"type":"given-back","node":"${node}"`);
}
