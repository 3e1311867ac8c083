import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isOwnFault, planChains, sourceOf } from '../../../src/job/deploy/chain.ts';

const NAMES = Array.from({ length: 12 }, (_, at) => `n${at}`);

void test('`planChains` makes one chain from the frontend when no node has the file', () => {
  assert.deepEqual(planChains({ frontend: 'f', nodes: ['a', 'b', 'c'], holders: new Set() }), [
    { head: 'f', nodes: ['a', 'b', 'c'] },
  ]);
});

void test('`planChains` lets nodes that have the file give it, and not the frontend', () => {
  const holders = new Set(['b', 'd']);
  assert.deepEqual(planChains({ frontend: 'f', nodes: ['a', 'b', 'c', 'd', 'e'], holders }), [
    { head: 'b', nodes: ['a'] },
    { head: 'd', nodes: ['c', 'e'] },
  ]);
});

void test('`planChains` names every node that lacks the file once, in chains as even as can be', () => {
  const nodes = fc.subarray(NAMES);
  fc.assert(
    fc.property(nodes, nodes, (all, having) => {
      const holders = new Set(having);
      const chains = planChains({ frontend: 'f', nodes: all, holders });
      const lacking = all.filter((node) => !holders.has(node));
      assert.deepEqual(
        chains.flatMap((chain) => chain.nodes),
        lacking,
      );
      const lengths = chains.map((chain) => chain.nodes.length);
      assert.ok(chains.length === 0 || Math.max(...lengths) - Math.min(...lengths) <= 1);
      assert.equal(new Set(chains.map(({ head }) => head)).size, chains.length);
      for (const { head } of chains) assert.ok(head === 'f' || holders.has(head));
    }),
  );
});

const chain = { head: 'f', nodes: ['a', 'b', 'c', 'd'] };

function source(node: string, sources: string[], lost: string[] = []): string | undefined {
  return sourceOf(node, { chain, frontend: 'f', tried: { sources, lost: new Set(lost) } });
}

void test('`sourceOf` names the nearest living node before, then the frontend, then nobody', () => {
  assert.equal(source('d', []), 'c');
  assert.equal(source('d', ['c']), 'b');
  assert.equal(source('d', ['c'], ['b']), 'a');
  assert.equal(source('d', ['c', 'b', 'a']), 'f');
  assert.equal(source('d', ['c', 'b', 'a', 'f', 'f']), 'f');
  assert.equal(source('d', ['c', 'b', 'a', 'f', 'f', 'f']), undefined);
  assert.equal(source('a', []), 'f');
  assert.equal(source('a', [], ['f']), undefined);
});

void test('`sourceOf` never lets nodes wait for each other in a circle', () => {
  fc.assert(
    fc.property(
      fc.subarray(chain.nodes),
      fc.array(fc.subarray(chain.nodes), { minLength: 4, maxLength: 4 }),
      (lost, tries) => {
        for (const [at, node] of chain.nodes.entries()) {
          const from = source(node, tries[at] ?? [], lost);
          assert.ok(from === 'f' || chain.nodes.indexOf(from ?? '') < at);
        }
      },
    ),
  );
});

void test('`isOwnFault` blames the node for its room, and its neighbour for the link', () => {
  assert.deepEqual(
    (['no-room', 'target-unwritable', 'disconnected', 'source-unreadable', 'corrupt'] as const).map(
      isOwnFault,
    ),
    [true, true, false, false, false],
  );
});
