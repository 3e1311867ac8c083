import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { AgentMessage } from '../../src/control/messages.ts';
import { equalNodes, IMAGE_BYTES, runCluster } from './cluster.ts';
import { stubRun } from './stub-run.ts';

const NOTICE: AgentMessage = { type: 'notice', text: 'well' };
const FAILURE = { code: 'source-unreadable', message: 'Cannot read it' } as const;

void suite('what agents say in words', () => {
  void test('`noteNotice` tells so many notices of an agent a minute, and not fewer of others', () => {
    const stub = stubRun({ nodes: ['n1', 'n2'] });
    stub.begin();
    for (const node of ['n1', 'n2']) stub.join(node);
    for (let said = 0; said < 1000; said += 1) stub.says('n1', NOTICE);
    stub.says('n2', NOTICE);
    assert.equal(stub.notices.filter((line) => line === 'n1: well').length, 60);
    assert.ok(stub.notices.includes('n2: well'));
    stub.setSeconds(60);
    stub.says('n1', NOTICE);
    assert.equal(stub.notices.filter((line) => line === 'n1: well').length, 61);
  });

  void test('`spoil` tells one failed scan of an image', () => {
    const stub = stubRun({ nodes: ['n1'] });
    stub.begin();
    stub.join('n1');
    stub.list('n1', '/vm/disk');
    for (const path of ['/vm/disk', '/vm/disk', '/vm/none']) {
      stub.says('n1', { type: 'scan-failed', path, failure: FAILURE });
    }
    assert.deepEqual(stub.failures, [FAILURE]);
    assert.equal(stub.notices.length, 2);
  });

  void test('`gather` says how many failures of an agent it has left out', async () => {
    const problems = Array.from({ length: 5000 }, () => ({ pattern: '/vm', failure: FAILURE }));
    const images = [{ path: '/vm/disk', sizeBytes: IMAGE_BYTES, allocatedBytes: IMAGE_BYTES }];
    const { facts, world } = await runCluster({
      nodes: equalNodes(2),
      answer: (node, { type }) =>
        type === 'find' && node === 'node1' ? [{ type: 'found', images, problems }] : undefined,
    });
    assert.equal(facts.nodes.get('node1')?.state, 'held');
    assert.equal(world.failures.filter(({ message }) => message === FAILURE.message).length, 1000);
    const leftOut = world.failures.filter(({ message }) => message.startsWith('Left out'));
    assert.deepEqual(
      leftOut.map(({ message }) => message),
      ['Left out 4000 more failures that node1 told within a minute'],
    );
  });
});
