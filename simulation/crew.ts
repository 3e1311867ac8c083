import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { addTally, type Tally } from './tally.ts';

/** Seeds that a process is given at a time. */
const SHARE_SEEDS = 50;

/** Consecutive seeds for one process. */
export interface Share {
  readonly from: number;
  readonly count: number;
  /** Whether what happens is told on standard output. */
  readonly isTold: boolean;
}

export interface Play extends Share {
  readonly processes: number;
  /** Name of a fault that is planted into the code. */
  readonly mutant: string | undefined;
  /** Seeds are played until so many have violations. */
  readonly enough?: number;
}

/** Plays seeds on some processes, and adds what comes out to `tally`. */
export async function playSeeds(play: Play, tally: Tally): Promise<void> {
  const { from, count, isTold, enough = Infinity } = play;
  const shares: Share[] = [];
  for (let done = 0; done < count; done += SHARE_SEEDS) {
    shares.push({ from: from + done, count: Math.min(SHARE_SEEDS, count - done), isTold });
  }
  const processes = Math.min(play.processes, shares.length);
  await Promise.all(Array.from({ length: processes }, serve));

  async function serve(): Promise<void> {
    const worker = fork(join(import.meta.dirname, 'worker.ts'), [], {
      execArgv: ['--import', join(import.meta.dirname, 'substitute.ts')],
      env: { ...process.env, KGETPLUS_MUTANT: play.mutant ?? '' },
    });
    const gone = once(worker, 'exit').then(([code]) => {
      throw new Error(`a process that plays seeds ended with ${code}`);
    });
    gone.catch(() => {});
    try {
      for (let share = shares.shift(); share !== undefined; share = shares.shift()) {
        const answer = new Promise<unknown>((resolve) => {
          worker.once('message', resolve);
        });
        worker.send(share);
        const result = await Promise.race([answer, gone]);
        addTally(tally, result as Tally);
        if (tally.bad.length >= enough) shares.length = 0;
      }
    } finally {
      worker.kill();
    }
  }
}
