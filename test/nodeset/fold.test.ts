import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { foldNodeSet } from '../../src/nodeset/fold.ts';
import { parseNodeSet } from '../../src/nodeset/node-set.ts';

void describe('foldNodeSet', () => {
  const folds: [set: string, folded: string][] = [
    ['node[01-64,70]', 'node[01-64,70]'],
    ['n2,n1,m7,n3', 'n[1-3],m7'],
    ['n[8-11]', 'n[8-11]'],
    ['n[08-11]', 'n[08-11]'],
    ['n[1-3],n[02-03]', 'n[1-3,02-03]'],
    ['n[098-099],n100', 'n[098-100]'],
    ['n[98-99],n[100-101]', 'n[98-101]'],
    ['n[01-99],n100', 'n[01-99,100]'],
    ['rack[1-4]n[01-10]', 'rack[1-4]n[01-10]'],
    ['r1n[1-2],r2n1', 'r1n[1-2],r2n1'],
    ['login', 'login'],
    ['n12345678901234567,n12345678901234568', 'n12345678901234567,n12345678901234568'],
  ];
  for (const [set, folded] of folds) {
    void it(`\`foldNodeSet\` gives "${folded}" when it has the nodes of "${set}"`, () => {
      assert.equal(foldNodeSet(parseNodeSet(set)), folded);
    });
  }

  void it('`foldNodeSet` gives nothing when there are no nodes', () => {
    assert.equal(foldNodeSet([]), '');
  });

  void it('`parseNodeSet` gives the same nodes when it reads what `foldNodeSet` wrote', () => {
    const digits = fc.string({ unit: fc.constantFrom('0', '1', '9'), maxLength: 3 });
    const name = fc
      .tuple(fc.constantFrom('a', 'n', 'b.'), digits, fc.constantFrom('', '-', 'x'), digits)
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 60 }), (names) => {
        const read = parseNodeSet(foldNodeSet(names));
        assert.deepEqual(read.toSorted(), [...new Set(names)].sort());
      }),
      { numRuns: 300 },
    );
  });
});
