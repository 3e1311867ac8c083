import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { toKnownCluster } from '../../src/cli/plan-cluster.ts';
import { frontendLink, nodeLink } from '../../src/cli/plan-links.ts';
import { createFacts, type ImageFacts, type RunFacts } from '../../src/coordinator/facts.ts';
import type { NodeTerms } from '../../src/coordinator/ports.ts';

const SKETCH = { chunks: 2, hashes: [3, 7] };

/** Facts of nodes that are up, with a scanned image each. */
function factsOf(names: readonly string[]): RunFacts {
  const facts = createFacts(names, 1);
  for (const [place, node] of [...facts.nodes.values()].entries()) {
    node.state = 'held';
    node.readySeconds = 1 + place;
    node.roomBytes = 5000;
    node.linkBytesPerSecond = 100;
    const image = imageFacts(node.name, '/disk');
    facts.images.set(image.id, image);
  }
  return facts;
}

function imageFacts(node: string, path: string): ImageFacts {
  return {
    id: `${node}:${path}`,
    node,
    path,
    sizeBytes: 1000,
    dataBytes: 600,
    sketch: SKETCH,
    neededBytes: 600,
    state: 'missing',
    route: [node],
    relayed: new Map(),
    digest: null,
    vouch: 'awaited',
    heldBack: new Map(),
  };
}

function known(
  facts: RunFacts,
  change: {
    readonly options?: object;
    readonly terms?: readonly (readonly [string, NodeTerms])[];
    readonly rackUplinks?: readonly (readonly [string, number])[];
  } = {},
) {
  const terms = {
    nodeTerms: new Map(change.terms),
    rackUplinks: new Map(change.rackUplinks),
  };
  return toKnownCluster(facts, { options: { ...change.options }, terms });
}

void suite('toKnownCluster', () => {
  void test('`toKnownCluster` has what the nodes told', () => {
    const { nodes, patienceSeconds } = known(factsOf(['a', 'b']));
    assert.deepEqual(nodes[0], {
      id: 'a',
      readySeconds: 1,
      linkBytesPerSecond: 100,
      roomBytes: 5000,
      stays: false,
      images: [{ id: 'a:/disk', sizeBytes: 1000, dataBytes: 600, sketch: SKETCH }],
    });
    assert.equal(nodes.length, 2);
    assert.equal(patienceSeconds, 6);
  });

  void test('`toKnownCluster` leaves out nodes that failed or have no image', () => {
    const facts = factsOf(['a', 'b', 'c']);
    const [, lost] = facts.nodes.values();
    assert.ok(lost !== undefined);
    lost.state = 'failed';
    facts.images.delete('c:/disk');
    assert.deepEqual(
      known(facts).nodes.map(({ id }) => id),
      ['a'],
    );
  });

  void test('`toKnownCluster` leaves out what could not be scanned, and keeps its node', () => {
    const facts = factsOf(['a', 'b']);
    facts.images.set('a:/bad', { ...imageFacts('a', '/bad'), dataBytes: null, sketch: null });
    const [first, second] = known(facts).nodes;
    assert.equal(first?.stays, true);
    assert.deepEqual(
      first.images.map(({ id }) => id),
      ['a:/disk'],
    );
    assert.equal(second?.stays, false);
  });

  void test('`toKnownCluster` has deadlines, and one rack for all nodes in it', () => {
    const { nodes } = known(factsOf(['a', 'b', 'c']), {
      terms: [
        ['a', { rack: 'r1', deadline: 0 }],
        ['b', { rack: 'r1' }],
        ['c', { rack: 'nobody knows its uplink' }],
      ],
      rackUplinks: [['r1', 50]],
    });
    const [first, second, third] = nodes;
    assert.equal(first?.deadline, 0);
    assert.deepEqual(first.rack, { upBytesPerSecond: 50, downBytesPerSecond: 50 });
    assert.equal(first.rack, second?.rack);
    assert.equal(third?.rack, undefined);
  });
});

void suite('links of a forecast', () => {
  void test('`nodeLink` is as given, as told, or assumed to be 1Gbit', () => {
    const told = { linkBytesPerSecond: 100 };
    const unknown = { linkBytesPerSecond: null };
    assert.deepEqual(nodeLink(told, { link: 7 }), { bytesPerSecond: 7, source: 'option' });
    assert.deepEqual(nodeLink(told, {}), { bytesPerSecond: 100, source: 'told' });
    assert.deepEqual(nodeLink(unknown, {}), { bytesPerSecond: 125e6, source: 'assumed' });
  });

  void test('`frontendLink` is like the nodes’ when only that is given, and never beyond the limit', () => {
    const told = { frontendBytesPerSecond: 100 };
    const rate = (options: object): number => frontendLink(told, options).bytesPerSecond;
    assert.equal(rate({}), 100);
    assert.equal(rate({ link: 7 }), 7);
    assert.equal(rate({ link: 7, frontendLink: 9 }), 9);
    assert.equal(rate({ bwlimit: 30 }), 30);
    assert.equal(rate({ bwlimit: 300 }), 100);
    assert.equal(frontendLink(told, { bwlimit: 30 }).source, 'option');
  });
});
