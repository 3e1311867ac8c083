import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import type { Lab } from '../../lab/lab.ts';
import { processesIn } from '../../lab/processes.ts';
import { missingForLab } from '../../lab/requirements.ts';

const PROJECT = join(import.meta.dirname, '../..');
const COMMAND = join(PROJECT, 'bin/kgetplus.cjs');

/** What a job in machines needs on this host, and what brings it. */
const TOOLS: Readonly<Record<string, string>> = {
  'qemu-system-x86_64': 'qemu-system-x86',
  'qemu-img': 'qemu-utils',
  mke2fs: 'e2fsprogs',
  e2fsck: 'e2fsprogs',
  'dpkg-deb': 'dpkg',
  'apt-get': 'apt',
};

/** Why no machines can run in a lab here; empty if they can. */
export function missingForVms(): readonly string[] {
  const path = (process.env['PATH'] ?? '').split(delimiter);
  const tools = Object.entries(TOOLS).filter(
    ([tool]) => ![...path, '/usr/sbin', '/sbin'].some((at) => isProgram(join(at, tool))),
  );
  return [...missingForLab(), ...tools.map(([tool, from]) => `${tool} is missing (${from})`)];
}

/** How a command ended. */
export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command under way. */
export interface Running {
  readonly ended: Promise<Ended>;
  kill(signal: NodeJS.Signals): void;
}

/** The command on a lab's frontend, with a store of its own. */
export interface VmLab {
  readonly lab: Lab;
  /** Where the store is, as this machine sees it. */
  readonly store: string;
  /** Options of commands that reach nodes without a job. */
  readonly reach: readonly string[];
  start(words: readonly string[]): Running;
  /** Builds an image on this machine, which can download what it needs, into the store. */
  build(recipe: string): void;
  /** Runs to the end, which must have this exit code. */
  run(words: readonly string[], exitCode?: number): Promise<Ended>;
  /** Puts a file into the frontend's directory; its path there. */
  put(name: string, content: string): string;
  /** Polls until it tells something. */
  until<T>(what: string, look: () => Promise<T | undefined> | T | undefined): Promise<T>;
}

const POLL_MS = 300;
const UNTIL_LIMIT_MS = 120_000;
const RUN_LIMIT_MS = 240_000;

export function vmLab(lab: Lab): VmLab {
  const reach = ['--ssh', `ssh -F ${lab.sshConfig}`];

  function start(words: readonly string[]): Running {
    const child = lab.exec(
      lab.frontend,
      ['env', 'KGETPLUS_STORE=/labnode/store', process.execPath, COMMAND, ...words],
      { stdio: ['ignore', 'pipe', 'pipe'], timeout: RUN_LIMIT_MS, killSignal: 'SIGKILL' },
    );
    const { stdout, stderr } = child;
    assert.ok(stdout !== null && stderr !== null);
    const end = async (): Promise<Ended> => {
      const [[exitCode], out, err] = await Promise.all([
        once(child, 'close') as Promise<[number | null]>,
        text(stdout),
        text(stderr),
      ]);
      return { exitCode, stdout: out, stderr: err };
    };
    return { ended: end(), kill: (signal) => child.kill(signal) };
  }

  return {
    lab,
    store: join(lab.frontend.labnode, 'store'),
    reach,
    start,
    build(recipe) {
      const store = join(lab.frontend.labnode, 'store');
      const words = [COMMAND, 'image', 'build', recipe, '--store', store];
      const { status, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
    },
    async run(words, exitCode = 0) {
      const ended = await start(words).ended;
      const said = `${ended.stdout}${ended.stderr}`;
      assert.equal(ended.exitCode, exitCode, `kgetplus ${words.join(' ')}: ${said}`);
      return ended;
    },
    put(name, content) {
      const path = join(lab.frontend.labnode, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
      return `/labnode/${name}`;
    },
    async until(what, look) {
      const startMs = performance.now();
      for (;;) {
        const found = await look();
        if (found !== undefined) return found;
        assert.ok(performance.now() - startMs < UNTIL_LIMIT_MS, `waited too long for ${what}`);
        await delay(POLL_MS);
      }
    },
  };
}

/** Nothing of machines is on the nodes of a lab: no process, no file but the cache. */
export function assertNoMachinesLeft(lab: Lab): void {
  const processes = lab.nodes.flatMap(({ namespace }) =>
    processesIn([namespace]).map((pid) => commandOf(pid)),
  );
  assert.deepEqual(
    processes.filter((command) => !/^sshd|^\(sd-pam\)/.test(command)),
    [],
  );
  for (const { labnode } of lab.nodes) {
    const own = join(labnode, 'home/.local/share/kgetplus');
    for (const place of existsSync(own) ? readdirSync(own) : []) {
      for (const kind of ['vms', 'cuts', 'reservations']) {
        const directory = join(own, place, kind);
        assert.deepEqual(existsSync(directory) ? readdirSync(directory) : [], [], directory);
      }
      const machines = join(own, place, 'hypervisor/qemu');
      const left = (existsSync(machines) ? readdirSync(machines) : []).filter(
        (name) => name !== 'accelerator.json',
      );
      assert.deepEqual(left, [], machines);
    }
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return 'sshd (gone)';
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
