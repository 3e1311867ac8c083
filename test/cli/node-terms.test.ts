import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { Command } from 'commander';
import {
  addNodeTermsOptions,
  type NodeTermsOptions,
  readNodeTerms,
} from '../../src/cli/node-terms.ts';

const directory = mkdtempSync(join(tmpdir(), 'kgetplus-terms-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const nodes = ['n1', 'n2', 'n3'];

/** What a command line says of three nodes. */
function read(...words: string[]) {
  const command = addNodeTermsOptions(new Command()).exitOverride();
  command.parse(words, { from: 'user' });
  return readNodeTerms(command.opts<NodeTermsOptions>(), { nodes, files: {} });
}

let files = 0;
function file(text: string): string {
  files += 1;
  const path = join(directory, `racks${files}.txt`);
  writeFileSync(path, text);
  return path;
}

void suite('readNodeTerms', () => {
  void test('`readNodeTerms` says nothing of nodes when nothing is told', () => {
    const { nodeTerms, rackUplinks } = read();
    assert.deepEqual(
      [...nodeTerms],
      nodes.map((node) => [node, {}]),
    );
    assert.equal(rackUplinks.size, 0);
  });

  void test('`readNodeTerms` counts deadlines in the order of `--first`', () => {
    const { nodeTerms } = read('--first', 'n3', '--first', 'n[2-3],n7');
    assert.deepEqual(nodeTerms.get('n3'), { deadline: 0 });
    assert.deepEqual(nodeTerms.get('n2'), { deadline: 1 });
    assert.deepEqual(nodeTerms.get('n1'), {});
  });

  void test('`readNodeTerms` has the nodes of every `--no-receive` keep nothing', () => {
    const { nodeTerms } = read('--no-receive', 'n1', '--no-receive', 'n3');
    assert.deepEqual(nodeTerms.get('n1'), { keepsNone: true });
    assert.deepEqual(nodeTerms.get('n2'), {});
    assert.deepEqual(nodeTerms.get('n3'), { keepsNone: true });
  });

  void test('`readNodeTerms` takes racks from a file, and uplinks where they are told', () => {
    const path = file('left: n[1-2] uplink 1Gbit\nright: n[5-6]\n');
    const { nodeTerms, rackUplinks } = read('--topology', path, '--first', 'n2');
    assert.deepEqual(nodeTerms.get('n2'), { rack: 'left', deadline: 0 });
    assert.deepEqual(nodeTerms.get('n3'), {});
    assert.deepEqual([...rackUplinks], [['left', 1.25e8]]);
  });

  for (const [what, words, message] of [
    ['a set names other nodes', ['--first', 'n9'], /--first n9: it names none of the nodes/],
    ['another set does', ['--no-receive', 'n9'], /--no-receive n9: it names none/],
    ['a topology does', ['--topology', file('r: n9')], /racks\d.txt: it names none/],
    ['there is no such topology', ['--topology', '/none'], /Cannot read --topology \/none: ENOENT/],
    ['a set is malformed', ['--first', 'n[1-'], /\^/],
  ] as const) {
    void test(`\`readNodeTerms\` throws \`usage\` when ${what}`, () => {
      assert.throws(() => read(...words), { code: 'usage', message });
    });
  }
});
