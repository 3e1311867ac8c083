import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { excludeNodes, MAX_DEPTH, parseNodeSet } from '../../src/nodeset/node-set.ts';
import { complaint } from './complaint.ts';
import { exampleGroups, groupsOf } from './example-groups.ts';

/** Groups each of which names the next one twice. */
const chain = (length: number) =>
  Array.from({ length }, (_, index) => `g${index}: @g${index + 1},@g${index + 1}`).join('\n');

void describe('parseNodeSet with references', () => {
  void it('`parseNodeSet` takes a file when there is no group of that name', () => {
    const files = {
      hosts: '# all of them\nn[1-3]\n\n@more!n5 # but one\n',
      more: 'n[4-6]',
      '/etc/clustershell/groups': 'more: x1',
    };
    const options = { groups: groupsOf(files), readText: (path: string) => files[path as 'hosts'] };
    assert.deepEqual(parseNodeSet('@hosts', options), ['n1', 'n2', 'n3', 'x1']);
    assert.deepEqual(parseNodeSet('@hosts', { readText: options.readText }).length, 5);
  });

  void it('`parseNodeSet` says that both were tried when there is neither group nor file', () => {
    const message = complaint('n1,@gpu');
    assert.match(
      message,
      /"@gpu" is neither a group \(no "gpu" in .*\/etc\/clustershell\/groups.d\)/,
    );
    assert.match(message, /nor a file that can be read, at character 4\n/);
  });

  void it('`parseNodeSet` names group, file and line when a group is wrong', () => {
    const files = { '/home/u/groups.d/local.cfg': 'a: n1\nb: n[2-\n' };
    assert.match(
      complaint('@b', files),
      /of group "b", \/home\/u\/groups.d\/local.cfg:2: a bracket/,
    );
    assert.match(complaint('@f', { f: '\nn[9-8]' }), /of f:2: the range "9-8" runs backwards/);
  });

  void it('`parseNodeSet` refuses groups and files when they hold themselves', () => {
    const files = { '/home/u/groups': 'a: n1,@b\nb: @f', f: '@a' };
    assert.match(complaint('@a', files), /a circle: @local:a → @local:b → @f → @local:a/);
  });

  void it('`parseNodeSet` takes no longer when groups repeat each other, but not too deep', () => {
    const last = MAX_DEPTH - 1;
    const groups = groupsOf({ '/home/u/groups': `${chain(last)}\ng${last}: n1` });
    assert.deepEqual(parseNodeSet('@g0', { groups }), ['n1']);
    const deeper = { '/home/u/groups': `${chain(MAX_DEPTH)}\ng${MAX_DEPTH}: n1` };
    assert.match(complaint('@g0', deeper), /more than 64 deep/);
  });

  void it('`excludeNodes` leaves out a node set when it has nodes in common', () => {
    const nodes = parseNodeSet('example[3-8]');
    assert.deepEqual(excludeNodes(nodes, '@io,other', { groups: exampleGroups }), [
      'example3',
      'example7',
      'example8',
    ]);
  });
});
