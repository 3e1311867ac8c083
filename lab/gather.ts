import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import type { Lab } from './lab.ts';

/** The command of this checkout. */
const COMMAND = join(import.meta.dirname, '../bin/kgetplus.cjs');

/** How a gather in a lab went. */
interface LabGather {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The text of the JSON report, if one was written. */
  readonly report: string | undefined;
}

/** A gather under way on a lab's frontend. */
export interface RunningLabGather {
  readonly stderr: Readable;
  /** Sends Ctrl-C. */
  interrupt(): void;
  readonly ended: Promise<LabGather>;
}

/** Starts `kgetplus gather` on the frontend of a lab, over its ssh, into `/labnode/out` there. */
export function startGather(lab: Lab, words: readonly string[]): RunningLabGather {
  const fixed = ['--to', '/labnode/out', '--ssh', `ssh -F ${lab.sshConfig}`];
  const argv = [process.execPath, COMMAND, 'gather', ...words, ...fixed];
  const child = lab.exec(lab.frontend, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error('the command has no output pipes');
  const end = async (): Promise<LabGather> => {
    const [[exitCode], out, err] = await Promise.all([
      once(child, 'close') as Promise<[number | null]>,
      text(stdout),
      text(stderr),
    ]);
    const path = join(outputOf(lab), '.kgetplus/report.json');
    const report = existsSync(path) ? readFileSync(path, 'utf8') : undefined;
    return { exitCode, stdout: out, stderr: err, report };
  };
  return { stderr, interrupt: () => child.kill('SIGINT'), ended: end() };
}

/** Where the gathered images lie, as this machine sees it. */
export function outputOf(lab: Lab): string {
  return join(lab.frontend.labnode, 'out');
}
