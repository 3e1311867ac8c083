import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import type { Catalogue, Snapshot } from '../../src/catalogue/catalogue.ts';
import { selectSnapshot, selectSnapshots } from '../../src/catalogue/select.ts';

/** Runs in their order, each with its images as `NODE/NAME`. */
function catalogueOf(runs: Readonly<Record<string, readonly string[]>>): Catalogue {
  return {
    warnings: [],
    runs: Object.entries(runs).map(([run, images]) => ({
      id: run,
      directory: `/store/snapshots/${run}`,
      startedAt: '2026-01-01T00:00:00.000Z',
      manifest: undefined,
      snapshots: images.map((image): Snapshot => {
        const [node = '', name = ''] = image.split('/');
        return {
          id: `${run}/${image}`,
          run,
          node,
          name,
          takenAt: '2026-01-01T00:00:00.000Z',
          indexPath: `/store/snapshots/${run}/${image}.caibx`,
          tags: [],
          image: undefined,
        };
      }),
    })),
  };
}

const CATALOGUE = catalogueOf({
  '20260101-a': ['n1/disk', 'n2/disk', 'n3/disk'],
  '20260102-b': ['n1/data', 'n1/disk', 'n2/disk'],
  '20260202-c': ['n1/disk'],
});

function select(selectors: readonly string[], nodes?: readonly string[]): string[] {
  return selectSnapshots(CATALOGUE, { selectors, nodes }).map(({ id }) => id);
}

const ALL = CATALOGUE.runs.flatMap(({ snapshots }) => snapshots.map(({ id }) => id));

void suite('selectSnapshots', () => {
  void test('`selectSnapshots` selects all when nothing is said, or all of some nodes', () => {
    assert.deepEqual(select([]), ALL);
    assert.deepEqual(select([], ['n3', 'n9']), ['20260101-a/n3/disk']);
    assert.deepEqual(select([], []), []);
  });

  void test('`selectSnapshots` selects by names, globs and braces of each part', () => {
    assert.deepEqual(select(['20260102-b']), ALL.slice(3, 6));
    assert.deepEqual(select(['20260102-b/n1/']), ALL.slice(3, 5));
    assert.deepEqual(select(['*/n2']), ['20260101-a/n2/disk', '20260102-b/n2/disk']);
    assert.deepEqual(select(['202601*/n[13]/di?k']), [ALL[0], ALL[2], ALL[4]]);
    assert.deepEqual(select(['*/{n2,n3}/disk']), [ALL[1], ALL[2], ALL[5]]);
  });

  void test('`selectSnapshots` takes a whole id as it is, however it may look', () => {
    const odd = ['n1/disk[1].img', 'n1/disk1.img', 'n1/a{b,c}', String.raw`n1/w\x`, 'n1/*'];
    const catalogue = catalogueOf({ r: odd });
    for (const image of odd) {
      assert.equal(selectSnapshot(catalogue, { selectors: [`r/${image}`] }).id, `r/${image}`);
    }
  });

  void test('`selectSnapshots` takes the beginning of one run’s name', () => {
    assert.deepEqual(select(['202602']), ['20260202-c/n1/disk']);
    assert.deepEqual(select(['20260101/n2']), ['20260101-a/n2/disk']);
    assert.throws(() => select(['202601']), {
      code: 'usage',
      message: /2 runs begin with "202601"/,
    });
  });

  void test('`selectSnapshots` prefers a run of just this name to those that begin with it', () => {
    const runs = catalogueOf({ night: ['n1/disk'], nightly: ['n1/disk'] });
    const found = selectSnapshots(runs, { selectors: ['night'] });
    assert.deepEqual(
      found.map(({ run }) => run),
      ['night'],
    );
  });

  void test('`selectSnapshots` selects the newest of each image for `latest`', () => {
    const newest = [
      '20260101-a/n3/disk',
      '20260102-b/n1/data',
      '20260102-b/n2/disk',
      '20260202-c/n1/disk',
    ];
    assert.deepEqual(select(['latest']), newest);
    assert.deepEqual(select(['latest/n1/disk']), ['20260202-c/n1/disk']);
    assert.deepEqual(select(['latest'], ['n2']), ['20260102-b/n2/disk']);
  });

  void test('`selectSnapshots` refuses a selector that selects nothing', () => {
    for (const selector of ['2027', '20260101-a/n9', '*/*/nothing', 'latest/n9', 'a/b/c/d']) {
      assert.throws(() => select([selector]), {
        code: 'usage',
        message: /^Cannot find snapshot "/,
      });
    }
    assert.throws(() => select(['latest', '2027']), { code: 'usage' });
  });

  void test('`selectSnapshots` unites selectors, each snapshot once, in the order of the catalogue', () => {
    const selector = fc.constantFrom('*', 'latest', '20260101-a', '*/n1', '*/*/data', '202602');
    fc.assert(
      fc.property(fc.array(selector, { minLength: 1 }), (selectors) => {
        const union = new Set(selectors.flatMap((one) => select([one])));
        assert.deepEqual(
          select(selectors),
          ALL.filter((id) => union.has(id)),
        );
      }),
    );
  });
});

void suite('selectSnapshot', () => {
  void test('`selectSnapshot` finds every snapshot by its id', () => {
    for (const id of ALL) {
      assert.equal(selectSnapshot(CATALOGUE, { selectors: [id] }).id, id);
    }
  });

  void test('`selectSnapshot` says how many there are when it is not clear which one is meant', () => {
    assert.throws(() => selectSnapshot(CATALOGUE, { selectors: ['latest'] }), {
      code: 'usage',
      message: /^Cannot tell which .* found 4, such as 20260101-a\/n3\/disk, .*name it as RUN/,
    });
    assert.throws(() => selectSnapshot(CATALOGUE, { selectors: [], nodes: ['n9'] }), {
      code: 'usage',
    });
  });
});
