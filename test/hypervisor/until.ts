import { setTimeout as sleep } from 'node:timers/promises';

const ASK_INTERVAL_MS = 20;

/** Asks until there is an answer. @throws Error after `limitMs` */
export async function until<Answer>(
  ask: () => Answer | undefined | Promise<Answer | undefined>,
  limitMs: number,
): Promise<Answer> {
  const limit = performance.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > limit) throw new Error(`nothing came within ${limitMs} ms`);
    await sleep(ASK_INTERVAL_MS);
  }
}
