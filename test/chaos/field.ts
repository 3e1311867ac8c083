import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import type { PlayedRound } from '../../chaos/check-round.ts';
import { stampOf, type SourceImage } from '../../chaos/images.ts';
import type { CommandEnd } from '../../chaos/command.ts';
import type { Lab } from '../../lab/lab.ts';
import { serialiseReport } from '../../src/report/json.ts';
import type { RunReport } from '../../src/report/record.ts';
import { imageReport, nodeReport, runReport, transferReport } from '../report/sample.ts';

const STARTED_MS = Date.parse('2026-11-22T09:30:00.000Z');

/** A round of two nodes, in files only, that went well: each check has nothing to say. */
export function playedRound(t: TestContext, change: { readonly report?: RunReport } = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'kgetplus-chaos-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const hostOf = (name: string) => ({
    name,
    labnode: join(directory, name),
    address: '',
    namespace: 'there-is-none',
    run: '',
  });
  const nodes = ['kn01', 'kn02'].map(hostOf);
  const frontend = hostOf('frontend');
  const host = (wanted: string) => nodes.find(({ name }) => name === wanted) ?? frontend;
  const lab = { nodes, frontend, host } as unknown as Lab;
  const sources = nodes.map(({ name }) => sourceOf(directory, name));
  const target = join(frontend.labnode, 'out');
  for (const { node, name } of sources) {
    put(join(target, node, name), node);
    put(join(target, node, `${name}.caibx`), 'index');
    mkdirSync(join(directory, node, 'home/.cache/kgetplus/spool'), { recursive: true });
  }
  put(join(target, '.kgetplus/journal.jsonl'), '');
  const hookLog = join(frontend.labnode, 'hook.log');
  writeFileSync(hookLog, hookLines('kn01', 2.1) + hookLines('kn02', 4.1));
  const report = change.report ?? goodReport(sources);
  const commands = [commandEnd({ report: serialiseReport(report) })];
  const scenario = {
    text: '1:1',
    number: 1,
    layout: 'files',
    copies: 1,
    givesBack: false,
    images: new Map(),
    faults: [],
  } as const;
  const round: PlayedRound = { lab, directory, scenario, sources, strikes: [], commands };
  return { round, target, hookLog, report };
}

/** Lines of a release command that ran, so many seconds after the run began. */
export function hookLines(node: string, seconds: number): string {
  const at = STARTED_MS / 1000 + seconds;
  return `run ${at} ${node}\nok ${at + 0.01} ${node}\n`;
}

export function commandEnd(change: Partial<CommandEnd> = {}): CommandEnd {
  return {
    words: ['gather'],
    exitCode: 0,
    begunAtMs: STARTED_MS,
    seconds: 12,
    late: false,
    stderr: '',
    report: undefined,
    journal: undefined,
    ...change,
  };
}

/** The name of an image in a node's spool. */
export function spoolName(id: string): string {
  return `${createHash('sha256').update(id).digest('hex').slice(0, 32)}.image`;
}

export function put(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

export function goodReport(sources: readonly SourceImage[]): RunReport {
  return runReport({
    nodes: [nodeReport('kn01', 2), nodeReport('kn02', 4)],
    images: sources.map(({ node, id, sizeBytes }) =>
      imageReport(node, { path: id.slice(node.length + 1), sizeBytes }),
    ),
    transfers: sources.map(({ id, node }) =>
      transferReport({ image: id, from: node, wireBytes: 1_000_000 }),
    ),
  });
}

function sourceOf(directory: string, node: string): SourceImage {
  const file = join(directory, node, 'images/disk.img');
  put(file, node);
  const id = `${node}:/labnode/images/disk.img`;
  return { node, name: 'disk.img', id, file, sizeBytes: node.length, ...stampOf(file) };
}
