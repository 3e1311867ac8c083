/** A process that plays the seeds it is sent: see crew.ts. */
import type { Share } from './crew.ts';
import { noPoints } from './points.ts';
import { playSeed } from './story.ts';
import { addPoints, addVerdict, noTally } from './tally.ts';

/** All places of effects are noted in one of so many seeds: that takes time. */
const NOTE_EVERY = 16;

process.on('message', (share: Share) => void play(share));

async function play({ from, count, isTold }: Share): Promise<void> {
  const tally = noTally();
  const points = noPoints();
  for (let seed = from; seed < from + count; seed += 1) {
    const trace = isTold ? { trace: (line: string) => console.log(line) } : {};
    const notesAll = seed % NOTE_EVERY === 0;
    addVerdict(tally, await playSeed(seed, { points, notesAll, ...trace }));
  }
  addPoints(tally, points);
  process.send?.(tally);
}
