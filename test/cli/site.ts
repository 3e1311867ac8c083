import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { after } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { parseReport } from '../../src/report/json.ts';
import type { RunReport } from '../../src/report/record.ts';

const PROJECT = join(import.meta.dirname, '../..');
/** The command as users start it, and without the launcher in between. */
const LAUNCHER = join(PROJECT, 'bin/kgetplus.cjs');
export const COMMAND = join(PROJECT, 'dist/kgetplus.mjs');

export const KiB = 1024;
export const MiB = 1024 * KiB;
/** Slow enough for a few MiB to be interfered with. */
export const SLOW = ['--bwlimit', '2MiB'];

const POLL_INTERVAL_MS = 20;
const POLL_LIMIT_MS = 20_000;

/** How a command ended. */
export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command under way. */
export interface Running {
  readonly pid: number;
  /** Resolves when it has said this on standard error; rejects if it ends without. */
  said(pattern: RegExp): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<Ended>;
}

/** A frontend, its nodes and their caches in one directory, removed when the test file is done. */
export interface Site {
  readonly root: string;
  /** Where images are gathered. */
  readonly target: string;
  /** Names `disk.img` of every node. */
  readonly pattern: string;
  /** Makes a file of a node, of random bytes if only a length is given; its path. */
  image(node: string, content: number | Buffer, name?: string): string;
  pathOf(node: string, name?: string): string;
  copyOf(node: string, name?: string): string;
  start(words: readonly string[], program?: string): Running;
  run(words: readonly string[]): Promise<Ended>;
  /** Starts `gather -w NODES` of every `disk.img` into the target, with local agents. */
  startGather(nodes: string, ...words: string[]): Running;
  gather(nodes: string, ...words: string[]): Promise<Ended>;
  /** The report that the last gather left in the target. */
  report(): RunReport;
  /** Asserts that these images lie on the frontend as they are on the nodes. */
  assertSafe(nodes: readonly string[], name?: string): void;
  /** Asserts that every file with a final name in the target is like its original. */
  assertNothingHalfDone(): void;
  /** Agents and whatever else runs with this site's caches. */
  processes(): number[];
  /** What lies in the nodes' spools. */
  spooled(): string[];
  /** Does something before the site is removed. */
  atEnd(work: () => void): void;
}

export function makeSite(): Site {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'kgetplus-cli-')));
  const endings: (() => void)[] = [];
  after(() => {
    for (const end of endings) end();
    // Nodes whose command was killed wait for the next one, if the test did not come to it.
    for (const pid of processes()) endProcess(pid);
    rmSync(root, { recursive: true, force: true, maxRetries: 3 });
  });
  const target = join(root, 'out');
  const cache = join(root, 'cache');
  const pathOf = (node: string, name = 'disk.img') => join(root, 'nodes', node, name);
  const copyOf = (node: string, name = 'disk.img') => join(target, node, name);
  const pattern = pathOf('{node}');
  const env = { ...process.env, HOME: root, XDG_CACHE_HOME: cache, XDG_CONFIG_HOME: root };

  function start(words: readonly string[], program = COMMAND): Running {
    const child = spawn(process.execPath, [program, ...words], { env, cwd: root });
    const output = { stdout: '', stderr: '' };
    const listeners = new Set<() => void>();
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        output[name] += text;
        for (const listener of listeners) listener();
      });
    }
    const ended = once(child, 'close').then(([exitCode]) => {
      for (const listener of listeners) listener();
      return { exitCode: exitCode as number | null, ...output };
    });
    return {
      pid: child.pid ?? 0,
      kill: (signal) => child.kill(signal),
      ended,
      said: (wanted) =>
        new Promise((resolve, reject) => {
          const look = (): void => {
            const { exitCode, signalCode } = child;
            if (wanted.test(output.stderr)) resolve();
            else if (exitCode === null && signalCode === null) return;
            else reject(new Error(`it never said ${String(wanted)}:\n${output.stderr}`));
            listeners.delete(look);
          };
          listeners.add(look);
          look();
        }),
    };
  }
  const gatherWords = (nodes: string, words: readonly string[]) => [
    'gather',
    '-w',
    nodes,
    pattern,
    '--to',
    target,
    '--launcher',
    'local',
    ...words,
  ];
  const processes = () =>
    readdirSync('/proc')
      .map(Number)
      .filter((pid) => pid > 0 && environmentOf(pid).includes(cache));

  /** After a command that ended in order nothing of it runs. */
  async function finish(running: Running): Promise<Ended> {
    const result = await running.ended;
    assert.deepEqual(processes(), [], `processes are left: ${result.stderr}`);
    return result;
  }

  return {
    root,
    target,
    pattern,
    pathOf,
    copyOf,
    image(node, content, name) {
      const path = pathOf(node, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, typeof content === 'number' ? randomBytes(content) : content);
      return path;
    },
    start,
    run: (words) => finish(start(words)),
    startGather: (nodes, ...words) => start(gatherWords(nodes, words), LAUNCHER),
    gather: (nodes, ...words) => finish(start(gatherWords(nodes, words))),
    report() {
      const file = join(target, '.kgetplus/report.json');
      return parseReport({ text: readFileSync(file, 'utf8'), file });
    },
    assertSafe(nodes, name) {
      for (const node of nodes) assertSame(copyOf(node, name), pathOf(node, name));
    },
    assertNothingHalfDone() {
      const files = globSync(join(target, '*/*')).filter((path) => !path.endsWith('.caibx'));
      for (const path of files) assertSame(path, pathOf(basename(dirname(path)), basename(path)));
    },
    processes,
    atEnd: (work) => endings.push(work),
    spooled: () => globSync(join(cache, 'kgetplus/spool/**/*.image*')),
  };
}

/** Makes an executable shell script in a site; its path. */
export function script(site: Site, name: string, text: string): string {
  const path = join(site.root, name);
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  return path;
}

/**
 * Waits for something that tells of itself in no other way: a file, the end of a stranger's
 * process.
 */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const limit = performance.now() + POLL_LIMIT_MS;
  while (!holds()) {
    assert.ok(performance.now() < limit, `waited in vain until ${what}`);
    await delay(POLL_INTERVAL_MS);
  }
}

/** Waits until some of the image of a node has arrived; rejects if the command ends before. */
export async function arriving(site: Site, node: string, running: Running): Promise<void> {
  const part = join(site.target, node, '.disk.img.kgetplus-part');
  const blocks = (): number => statSync(part, { throwIfNoEntry: false })?.blocks ?? 0;
  const tooSoon = running.ended.then(({ stderr }) => assert.fail(`it ended: ${stderr}`));
  // It also ends when all is well, and nobody waits any more.
  tooSoon.catch(() => {});
  await Promise.race([until(`${part} has data`, () => blocks() > 0), tooSoon]);
}

/** Bytes that crossed the frontend's link, as the report counts them. */
export function wireBytes(site: Site): number {
  return site.report().summary.frontendWireBytes;
}

export function assertSame(copy: string, original: string): void {
  assert.ok(existsSync(copy), `${copy} is there`);
  assert.ok(readFileSync(copy).equals(readFileSync(original)), `${copy} is like ${original}`);
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch {
    return '';
  }
}
