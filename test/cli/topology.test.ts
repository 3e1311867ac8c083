import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { parseTopology } from '../../src/cli/topology.ts';

const read = (text: string) => parseTopology({ path: 'racks.txt', text }, {});

void suite('parseTopology', () => {
  void test('`parseTopology` reads a rack a line', () => {
    const { racks, rackOf } = read(`
      # our cluster
      r1: n[1-2],n9 uplink 10Gbit   # the old switch
      r2:n3
    `);
    assert.deepEqual(racks, [{ name: 'r1', uplinkBytesPerSecond: 1.25e9 }, { name: 'r2' }]);
    assert.deepEqual(
      [...rackOf],
      [
        ['n1', 'r1'],
        ['n2', 'r1'],
        ['n9', 'r1'],
        ['n3', 'r2'],
      ],
    );
  });

  void test('`parseTopology` reads node sets with operators, and rates with a blank', () => {
    const { racks, rackOf } = read('r1: n[1-4] ! n3 uplink 8 Mbit/s');
    assert.deepEqual([...rackOf.keys()], ['n1', 'n2', 'n4']);
    assert.deepEqual(racks, [{ name: 'r1', uplinkBytesPerSecond: 1e6 }]);
  });

  void test('`parseTopology` finds no racks in an empty file', () => {
    assert.deepEqual(read('\n# none\n').racks, []);
  });

  for (const [what, line, message] of [
    ['no colon', 'r1 n1', /found "r1 n1", wanted NAME: NODESET \[uplink RATE\]/],
    ['no nodes', 'r1:', /found "r1:", wanted NAME/],
    ['nothing but an uplink', 'r1: uplink 1Gbit', /wanted NAME/],
    ['a blank in the name', 'rack 1: n1', /wanted NAME/],
    ['a malformed node set', 'r1: n[1-', /n\[1-[^]*\^/],
    ['an unreadable rate', 'r1: n1 uplink fast', /Cannot read "fast" as a rate/],
    ['no rate', 'r1: n1 uplink', /Cannot read "" as a rate/],
    ['a rack again', 'r0: n1', /found rack "r0" again, wanted each rack once/],
    [
      'a node in two racks',
      'r1: n0',
      /found n0 in rack "r1" and in rack "r0", wanted each node in/,
    ],
  ] as const) {
    void test(`\`parseTopology\` throws \`usage\` and names the line when it has ${what}`, () => {
      assert.throws(
        () => read(`r0: n0\n${line}`),
        (error: Error & { code?: string }) => {
          assert.equal(error.code, 'usage');
          assert.match(error.message, /^Cannot use the topology of racks.txt, line 2: /);
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }
});
