import assert from 'node:assert/strict';
import { foldNodeSet } from '../src/nodeset/fold.ts';
import { clusterShellGroups } from '../src/nodeset/groups.ts';
import { MAX_NODES } from '../src/nodeset/pattern.ts';
import { type NodeSetOptions, parseNodeSet } from '../src/nodeset/node-set.ts';
import { parseTopology } from '../src/cli/topology.ts';

const FLAT = 'all: node[1-9]\nodd: node[1-9/2]\nboth: @odd,@rack:r1\n';
const YAML = 'rack:\n  r1: \'node[1-4]\'\n  r2:\n    - node5\n    - "@all!@r1"\n';

/** The files of a host on which groups are defined by these texts. */
function filesOf(texts: Readonly<Record<string, string>>): NodeSetOptions {
  const readText = (path: string) => (Object.hasOwn(texts, path) ? texts[path] : undefined);
  const list = (): string[] =>
    Object.keys(texts)
      .filter((path) => path.startsWith('/etc/groups.d/'))
      .map((path) => path.slice('/etc/groups.d/'.length));
  return { readText, groups: clusterShellGroups({ directories: ['/etc'], readText, list }) };
}

const FILES = filesOf({
  '/etc/groups': FLAT,
  '/etc/groups.d/racks.yaml': YAML,
  hosts: 'node1\n@odd # a comment\n',
});

export function nodeSetSamples(): Buffer[] {
  return [
    'node[01-64,70]',
    'rack[1-4]n[1-10/2]-ib',
    'a,b!b,c&d^e',
    'node[1-9]!@odd',
    '@all&@rack:r[1-2]',
    '@hosts,@rack:*',
    'n[1-50]m[1-50],x[00-99]',
    'node[ 1 - 2 ] ! node2',
    'n[1-9/3,000-9]',
    'root@n1,fe80::1,h%eth0',
  ].map((text) => Buffer.from(text));
}

export function tryNodeSet(input: Buffer): void {
  assertNodes(parseNodeSet(input.toString('utf8'), FILES));
}

/** Names of nodes are plain words, each there once; and as a set again they are the same. */
function assertNodes(nodes: readonly string[]): void {
  assert.ok(nodes.length <= MAX_NODES);
  assert.equal(new Set(nodes).size, nodes.length);
  for (const node of nodes) {
    assert.ok(!/[\s/\0'"$`;&|<>()*?]/.test(node) && !node.startsWith('-') && !/^\.*$/.test(node));
  }
  if (nodes.length === 0 || nodes.length > 2000) return;
  assert.deepEqual(parseNodeSet(foldNodeSet(nodes)).toSorted(), nodes.toSorted());
}

const SEPARATOR = '\n%%\n';

/** A file of flat groups, one in YAML, `groups.conf`, and a node set. */
export function groupSamples(): Buffer[] {
  const conf = '[Main]\ndefault: rack\n';
  return [
    [FLAT, YAML, '', '@both'],
    [FLAT, YAML, conf, '@*'],
    [FLAT, YAML, conf, '@rack:r2,@local:both'],
    ['a: @b\nb: @c\nc: node[1-3] node9\n', YAML, '', '@a,@hosts'],
    ['loop: @again\nagain: @loop\n', YAML, 'default = local', '@loop'],
    [FLAT, "---\nx:\n  a-b: 'it''s'\n  c: plain # text\n", conf, '@x:c'],
  ].map((texts) => Buffer.from(texts.join(SEPARATOR)));
}

export function tryGroups(input: Buffer): void {
  const [flat = '', yaml = '', conf = '', set = ''] = input.toString('utf8').split(SEPARATOR);
  const files = filesOf({
    '/etc/groups': flat,
    '/etc/groups.d/racks.yaml': yaml,
    '/etc/groups.conf': conf,
    hosts: flat,
  });
  assertNodes(parseNodeSet(set, files));
  assertNodes(parseNodeSet('@local:*', files));
}

export function topologySamples(): Buffer[] {
  return [
    'r1: node[1-4] uplink 10Gbit\nr2: node[5-8]\n',
    '# racks\nleft: @odd uplink 1.5Gbit # each way\n\nright: node[2-8/2] uplink 125MiB\n',
    'a:b\nc : d,e uplink 80Mbit',
    'r1: @rack:r1\r\nr2: @rack:r2 uplink 40Gbit\r\n',
  ].map((text) => Buffer.from(text));
}

/** Each node is in a rack that there is, and what uplinks carry is a number. */
export function tryTopology(input: Buffer): void {
  const { racks, rackOf } = parseTopology({ path: 'x', text: input.toString('utf8') }, FILES);
  const names = new Set(racks.map(({ name }) => name));
  assert.equal(names.size, racks.length);
  for (const rack of rackOf.values()) assert.ok(names.has(rack));
  for (const { uplinkBytesPerSecond: rate } of racks) {
    assert.ok(rate === undefined || (rate > 0 && Number.isFinite(rate)));
  }
}
