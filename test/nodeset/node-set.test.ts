import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { parseNodeSet } from '../../src/nodeset/node-set.ts';
import { MAX_NODES } from '../../src/nodeset/pattern.ts';
import { EXPANSIONS, REFUSED } from './clustershell-cases.ts';
import { complaint } from './complaint.ts';
import { exampleGroups } from './example-groups.ts';

void describe('parseNodeSet', () => {
  for (const [set, nodes] of EXPANSIONS) {
    void it(`\`parseNodeSet\` agrees with ClusterShell when it reads "${set}"`, () => {
      const found = parseNodeSet(set, { groups: exampleGroups });
      assert.deepEqual(found.toSorted(), nodes.split(' ').filter(Boolean).toSorted());
    });
  }

  for (const set of REFUSED) {
    void it(`\`parseNodeSet\` refuses, as ClusterShell does, "${set}"`, () => {
      assert.match(complaint(set), /^Cannot read the node set: .*at character \d+\n {2}.*\n *\^$/);
    });
  }

  void it('`parseNodeSet` keeps the order in which nodes are named first', () => {
    assert.deepEqual(parseNodeSet('n[3,1],a,n[1-4]!n4'), ['n3', 'n1', 'a', 'n2']);
  });

  const faults: [set: string, what: string, shown: string, pointer: string][] = [
    ['node[1-3', 'a bracket that is not closed, at character 5', 'node[1-3', '    ^'],
    ['a,,b', 'a node is missing here, at character 3', 'a,,b', '  ^'],
    ['n[1-3,9-7]', 'the range "9-7" runs backwards, at character 7', 'n[1-3,9-7]', '      ^'],
    ['a b', '" " cannot be part of a node\'s name, at character 2', 'a b', ' ^'],
    ['n1,../x', '"/" cannot be part of a node\'s name, at character 6', 'n1,../x', '     ^'],
    [
      'a,-oX',
      '"-oX" cannot be a node\'s name, for its first character, at character 3',
      'a,-oX',
      '  ^',
    ],
  ];
  for (const [set, what, shown, pointer] of faults) {
    void it(`\`parseNodeSet\` points at the fault when it reads "${set}"`, () => {
      assert.equal(complaint(set), `Cannot read the node set: ${what}\n  ${shown}\n  ${pointer}`);
    });
  }

  void it('`parseNodeSet` shows only the surroundings when a long set has a fault', () => {
    const [, shown = '', pointer = ''] = complaint(
      `${'node,'.repeat(500)}!${',x'.repeat(99)}`,
    ).split('\n');
    assert.equal(shown.length, 2 + 82);
    assert.equal(shown.charAt(pointer.length - 1), '!');
  });

  void it('`parseNodeSet` refuses names when they could not be words or directories', () => {
    for (const set of [
      '',
      ' ',
      '..',
      '~',
      'a/b',
      'a\0',
      'a\nb',
      'a*',
      'a?',
      "a'",
      '$(id)',
      'a;b',
    ]) {
      complaint(set);
    }
    complaint('x'.repeat(300));
  });

  void it('`parseNodeSet` refuses a set when it is too large, however it is written', () => {
    assert.equal(parseNodeSet(`n[1-${MAX_NODES}]`).length, MAX_NODES);
    const large = [
      `n[0-${MAX_NODES}]`,
      'n[1-999999999999999]',
      'a[1-1000]b[1-1000]',
      'n[1-60000],m[1-60000]',
      'n[1-60000,100001-160000]',
    ];
    for (const set of large) assert.match(complaint(set), /more than 100000 nodes/);
    assert.match(complaint('n[1-9999999999999999]'), /more than 15 digits/);
  });

  void it('`parseNodeSet` fails only with `usage` when it reads anything', () => {
    const pieces = fc.constantFrom(...'[],!&^@:-/0123 ab.*\n'.split(''));
    fc.assert(
      fc.property(fc.string({ unit: pieces, maxLength: 24 }), (text) => {
        try {
          parseNodeSet(text, { groups: exampleGroups });
        } catch (error) {
          assert.equal(error instanceof Error && 'code' in error && error.code, 'usage');
        }
      }),
      { numRuns: 500 },
    );
  });
});
