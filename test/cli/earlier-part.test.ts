import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { elapsedSeconds, withEarlierPart } from '../../src/cli/earlier-part.ts';
import { createFacts, type RunFacts, type TransferFacts } from '../../src/coordinator/facts.ts';
import type { EarlierTransfer, Resumption } from '../../src/coordinator/fold-journal.ts';
import { FRONTEND } from '../../src/planner/types.ts';
import { RESUMPTION } from '../coordinator/cluster.ts';

const START_MS = Date.parse(RESUMPTION.startedAt);

void suite('elapsedSeconds', () => {
  void test('`elapsedSeconds` is 0 when nothing is continued', () => {
    assert.equal(elapsedSeconds(undefined, START_MS), 0);
  });

  void test('`elapsedSeconds` counts the pause, and never goes back', () => {
    const resumption = { ...RESUMPTION, lastSeconds: 40 };
    assert.equal(elapsedSeconds(resumption, START_MS + 60_000), 60);
    assert.equal(elapsedSeconds(resumption, START_MS - 60_000), 40, 'the clock was set back');
    assert.equal(elapsedSeconds({ ...resumption, startedAt: 'then' }, START_MS), 40);
  });
});

void suite('withEarlierPart', () => {
  const image = { node: 'n1', path: '/d', sizeBytes: 7, safe: true, copies: [] };
  void test('`withEarlierPart` changes nothing when nothing is continued', () => {
    const facts = createFacts(['n1'], 1);
    assert.equal(withEarlierPart(facts, undefined), facts);
  });

  void test('`withEarlierPart` knows transfers and images of nodes that did not name them again', () => {
    const facts = withEarlierPart(
      createFacts(['n1'], 1),
      resumed({ ...image, dataBytes: 6 }, [earlier('n1', 'n2'), earlier('n2', null)]),
    );
    const { state, dataBytes, route } = facts.images.get('n1:/d') ?? {};
    assert.deepEqual([state, dataBytes], ['safe', 6]);
    assert.deepEqual(route, ['n1', 'n2', FRONTEND]);
    assert.deepEqual(
      [...facts.transfers.values()].map(({ from, to, wireBytes }) => [from, to, wireBytes]),
      [
        ['n1', 'n2', 5],
        ['n2', FRONTEND, 5],
      ],
    );
  });

  void test('`withEarlierPart` knows the way of an image that came in both parts', () => {
    const now = createFacts(['n1', 'n2'], 1);
    now.transfers.set('t1', transferNow());
    const begun = withEarlierPart(now, resumed(image, []));
    const known = begun.images.get('n1:/d');
    assert.ok(known !== undefined);
    now.images.set('n1:/d', { ...known, route: ['n1', 'n2', FRONTEND] });
    const facts = withEarlierPart(now, resumed(image, [earlier('n1', 'n3'), earlier('n3', 'n2')]));
    assert.deepEqual(facts.images.get('n1:/d')?.route, ['n1', 'n3', 'n2', FRONTEND]);
    assert.deepEqual([...facts.transfers.keys()], ['earlier-0', 'earlier-1', 't1']);
  });

  void test('`withEarlierPart` tells an image that is nowhere now, and none of other nodes', () => {
    const lost = { ...image, safe: false };
    const missing = withEarlierPart(createFacts(['n1'], 1), resumed(lost, []));
    assert.equal(missing.images.get('n1:/d')?.state, 'missing');
    const others: RunFacts = withEarlierPart(
      createFacts(['n2'], 1),
      resumed(image, [earlier('n1', null)]),
    );
    assert.equal(others.images.size, 0);
    assert.equal(others.transfers.size, 0);
  });

  function resumed(
    one: typeof image & { readonly dataBytes?: number },
    transfers: readonly EarlierTransfer[],
  ): Resumption {
    return { ...RESUMPTION, images: new Map([['n1:/d', one]]), transfers };
  }
});

function transferNow(): TransferFacts {
  return {
    id: 't1',
    image: 'n1:/d',
    from: 'n2',
    to: FRONTEND,
    startSeconds: 9,
    afterScan: true,
    endSeconds: 10,
    state: 'done',
    heardSeconds: 10,
    wireBytes: 4,
    doneBytes: 7,
    chunks: 1,
  };
}

function earlier(from: string, to: string | null): EarlierTransfer {
  const figures = { startSeconds: 1, endSeconds: 2, wireBytes: 5, chunks: 1 };
  return { ...figures, image: 'n1:/d', from, to, state: 'done' };
}
