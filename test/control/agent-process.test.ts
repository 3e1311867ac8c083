import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { execPath } from 'node:process';
import { describe, it } from 'node:test';
import {
  agentProcess,
  EXIT_GRACE_MS,
  MAX_LAST_WORDS_BYTES,
  TERMINATE_GRACE_MS,
} from '../../src/control/agent-process.ts';
import { realClock, steppedClock } from './clocks.ts';

/** A process that heeds neither the end of its input nor SIGTERM. */
async function stubborn() {
  const clock = steppedClock();
  const code = 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1e6); console.log()';
  const child = spawn(execPath, ['-e', code], { stdio: 'pipe' });
  const process = agentProcess(child, clock);
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return { process, clock };
}

void describe('agentProcess', () => {
  void it('`stop` ends in SIGKILL when nothing else helps', async () => {
    const { process, clock } = await stubborn();
    const stopped = process.stop();
    clock.pass(EXIT_GRACE_MS);
    clock.pass(TERMINATE_GRACE_MS);
    assert.deepEqual(await stopped, { how: 'signal', signal: 'SIGKILL', ours: true });
    assert.equal((await process.ended).how, 'signal');
  });

  void it('`stop` sends no signal when the end of the input is enough', async () => {
    const process = agentProcess(spawn('cat', { stdio: 'pipe' }), steppedClock());
    assert.deepEqual(await process.stop(), { how: 'exit', code: 0 });
    assert.deepEqual(await process.stop(), { how: 'exit', code: 0 });
  });

  void it('`lastWords` keeps the end when a process says a lot', async () => {
    const code = 'i=0; while [ $i -lt 2000 ]; do echo "line $i"; i=$((i+1)); done >&2';
    const process = agentProcess(spawn('sh', ['-c', code], { stdio: 'pipe' }), realClock);
    await process.ended;
    assert.equal(process.lastWords().length, MAX_LAST_WORDS_BYTES);
    assert.match(process.lastWords(), /line 1999\n$/);
  });
});
