import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { cluster } from './cluster.ts';
import { drive, newFrontend } from './driver.ts';

void suite('runJob', () => {
  void test('`runJob` brings a job of three machines to its end', async () => {
    const nodes = cluster();
    const front = newFrontend(nodes);
    const steps: string[] = [];
    const end = await drive(nodes, front, { onStep: (step) => void steps.push(step) });
    console.log(steps.filter((it) => !it.startsWith('call look')).join('\n'), front.said, front.logs);
    assert.deepEqual(end, { state: 'succeeded', kept: false });
    nodes.assertClean();
  });
});
