import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseNodeSet } from '../../src/nodeset/node-set.ts';
import { clusterShellGroups } from '../../src/nodeset/groups.ts';
import { groupsOf, type Files } from './example-groups.ts';

function nodes(set: string, files: Files): string[] {
  return parseNodeSet(set, { groups: groupsOf(files) });
}

const refuse = () => assert.fail('a file was read');

void describe('clusterShellGroups', () => {
  void it('`find` takes the group of the first directory when several have it', () => {
    const files = {
      '/home/u/groups.d/local.cfg': 'a: u1',
      '/etc/clustershell/groups.d/local.cfg': 'a: e1\nb: e2',
    };
    assert.deepEqual(nodes('@a,@b', files), ['u1', 'e2']);
  });

  void it('`find` takes the old file `groups` when there are both', () => {
    const files = { '/home/u/groups': 'a: old', '/home/u/groups.d/local.cfg': 'a: new' };
    assert.deepEqual(nodes('@a', files), ['old']);
  });

  void it('`find` takes the default source of `groups.conf` when it names one', () => {
    const files = {
      '/etc/clustershell/groups.conf': '[Main]\n# default: local\ndefault: racks\n',
      '/etc/clustershell/groups.d/x.yaml': 'racks:\n  a: n1\n',
      '/etc/clustershell/groups': 'a: n2',
    };
    assert.deepEqual(nodes('@a,@local:a', files), ['n1', 'n2']);
  });

  void it('`find` gives all groups for `*` when there is no group `all`', () => {
    assert.deepEqual(nodes('@*!@b', { '/home/u/groups': 'a: n[1-3]\nb: n2' }), ['n1', 'n3']);
  });

  void it('`find` reads no file when no group is asked for', () => {
    const groups = clusterShellGroups({ directories: ['/x'], readText: refuse, list: refuse });
    assert.deepEqual(parseNodeSet('n[1-2]', { groups }), ['n1', 'n2']);
  });

  void it('`find` accepts a group when it is empty', () => {
    assert.deepEqual(nodes('@a,n1', { '/home/u/groups': 'a:' }), ['n1']);
  });

  const refused: [name: string, text: string, message: RegExp][] = [
    ['groups', 'a: n1\nnonsense', /groups:2: "nonsense", wanted "NAME: NODESET"/],
    ['groups.d/x.yaml', 'a: {b: c}', /x.yaml:1: "a: {b: c}", wanted "SOURCE:"/],
    ['groups.d/x.yaml', 'a:\n  b: [n1, n2]', /x.yaml:2: "\[n1, n2\]", wanted a node set/],
    ['groups.d/x.yaml', 'a:\n  b: |\n   n1', /x.yaml:2: "\|", wanted a node set/],
    ['groups.d/x.yaml', '  b: n1', /x.yaml:1: "b: n1", wanted "SOURCE:"/],
    ['groups.d/x.yaml', 'a:\n  b: n1\n  - n2', /x.yaml:3: "- n2", wanted "SOURCE:"/],
    ['groups.d/x.yaml', 'a:\n  b: "n1', /x.yaml:2: ""n1", wanted a node set/],
  ];
  for (const [name, text, message] of refused) {
    void it(`\`find\` names file and line when ${name} is ${JSON.stringify(text)}`, () => {
      assert.throws(() => nodes('@a', { [`/home/u/${name}`]: text }), { code: 'usage', message });
    });
  }
});
