import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { KgetError } from '../../src/base/error.ts';
import { domainXml } from '../../src/hypervisor/libvirt/domain-xml.ts';
import { readMap } from '../../src/hypervisor/libvirt/export.ts';
import { foreignSpec } from '../../src/hypervisor/libvirt/foreign-spec.ts';
import { parseXml } from '../../src/hypervisor/libvirt/parse-xml.ts';
import { machinePlaces } from '../../src/hypervisor/libvirt/places.ts';
import { EMPTY_RECORD, domainUuid, readRecord } from '../../src/hypervisor/libvirt/record.ts';
import { rehome } from '../../src/hypervisor/libvirt/rehome.ts';
import { readSaveImage, writeSaveImage } from '../../src/hypervisor/libvirt/save-image.ts';
import { element, find, formatXml, textOf } from '../../src/hypervisor/libvirt/xml.ts';
import type { VmSpec } from '../../src/hypervisor/vm-spec.ts';

const SPEC: VmSpec = {
  name: 'job.1',
  arch: 'x86_64',
  cpus: 2,
  memoryBytes: 2 ** 27,
  boot: { kind: 'kernel', kernel: '/k', initramfs: null, commandLine: `a="<&'" b` },
  disks: [
    { name: 'root', access: 'copy-on-write', base: { kind: 'file', path: '/b', format: 'raw' } },
    { name: 'in', access: 'read-only', path: '/in & out', format: 'raw' },
  ],
  channels: [{ kind: 'file', name: 'org.test', path: '/status' }, { kind: 'guest-agent' }],
  consolePath: '/console',
  network: 'user',
};

function domainOf(spec: VmSpec) {
  const record = { ...EMPTY_RECORD, spec };
  return domainXml({ spec, places: machinePlaces('/vms', spec.name), record, type: 'qemu' });
}

const part = (start: number, length: number, data: boolean) => ({ start, length, data });

const refused = (code: string) => (error: unknown) =>
  error instanceof KgetError && error.code === code;

void suite('XML of domains', () => {
  void test('`parseXml` reads what `formatXml` writes when text holds anything', () => {
    // Space at the ends of text is not kept; characters that XML has not are left out.
    const text = fc
      .string({ unit: 'grapheme-ascii', minLength: 1 })
      .filter((it) => it === it.trim());
    fc.assert(
      fc.property(text, text, (value, words) => {
        const parsed = parseXml(formatXml(element('a', { value }, [element('b', {}, [words])])));
        assert.equal(parsed.attributes['value'], value);
        assert.equal(textOf(find(parsed, 'b')), words);
      }),
    );
  });

  void test('`parseXml` refuses what is no XML', () => {
    const texts = ['', 'a', '<a>', '<a></b>', '<a/><b/>', '</a>', '<a b=c/>', '<a b="1" c/>'];
    for (const text of [...texts, '<a>'.repeat(100) + '</a>'.repeat(100)]) {
      assert.throws(() => parseXml(text), refused('protocol'), text);
    }
  });

  void test('`parseXml` refuses characters that there are not, and keeps words it does not know', () => {
    for (const number of ['#1114112', '#99999999999', '#x110000', `#${'9'.repeat(400)}`]) {
      assert.throws(() => parseXml(`<a>&${number};</a>`), refused('protocol'), number);
      assert.throws(() => parseXml(`<a b='&${number};'/>`), refused('protocol'), number);
    }
    assert.equal(textOf(parseXml('<a>&#x10ffff;&toString;</a>')), '\u{10ffff}&toString;');
  });

  void test('`parseXml` keeps attributes with names that every object has', () => {
    const { attributes } = parseXml(`<a __proto__='b' toString='c'/>`);
    assert.deepEqual(Object.entries(attributes), [
      ['__proto__', 'b'],
      ['toString', 'c'],
    ]);
  });

  void test('`readRecord` finds the machine when the domain is ours', () => {
    const domain = parseXml(formatXml(domainOf(SPEC)));
    assert.deepEqual(readRecord(domain).spec, SPEC);
  });

  void test('`foreignSpec` tells of a domain what snapshots need', () => {
    const spec = foreignSpec(parseXml(formatXml(domainOf(SPEC))));
    assert.equal(spec?.memoryBytes, SPEC.memoryBytes);
    assert.deepEqual(
      spec.disks.map(({ name, access }) => [name, access]),
      [
        ['vda', 'copy-on-write'],
        ['vdb', 'read-only'],
      ],
    );
    assert.equal(foreignSpec(element('domain')), undefined);
  });

  void test('`rehome` moves the files of a machine, and keeps its devices', () => {
    const spec: VmSpec = { ...SPEC, name: 'other', consolePath: '/there/console' };
    const places = machinePlaces('/there', 'other');
    const moved = rehome(domainOf(SPEC), { spec, places, record: { ...EMPTY_RECORD, spec } });
    const text = formatXml(moved);
    assert.match(text, /\/there\/other\/root.qcow2/);
    assert.doesNotMatch(text, /\/vms\//);
    assert.equal(textOf(find(moved, 'uuid')), domainUuid('other'));
    const wanted = formatXml(
      domainXml({ spec, places, record: { ...EMPTY_RECORD, spec }, type: 'qemu' }),
    );
    assert.equal(text, wanted);
  });

  void test('`rehome` refuses a machine with other disks', () => {
    const [root, ...more] = SPEC.disks;
    assert.ok(root !== undefined);
    for (const others of [[root], more, [root, root, ...more]]) {
      const spec: VmSpec = { ...SPEC, disks: others };
      const home = { spec, places: machinePlaces('/there', 'x'), record: EMPTY_RECORD };
      assert.throws(() => rehome(domainOf(SPEC), home), refused('corrupt'));
    }
  });

  void test('`domainUuid` gives each name one of its own', () => {
    assert.match(domainUuid('a'), /^[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-8[\da-f]{3}-[\da-f]{12}$/);
    assert.notEqual(domainUuid('a'), domainUuid('b'));
  });
});

void suite('files of libvirt and qemu-img', () => {
  void test('`readSaveImage` reads what `writeSaveImage` writes', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'kgetplus-save-'));
    try {
      const from = join(directory, 'from');
      const to = join(directory, 'to');
      await writeFile(from, 'xxxxSTATE');
      const image = { domain: element('domain'), stateAt: 4 };
      await writeSaveImage(to, { path: from, image }, domainOf(SPEC));
      const { domain, stateAt } = await readSaveImage(to);
      assert.deepEqual(readRecord(domain).spec, SPEC);
      assert.equal((await readFile(to)).toString('utf8', stateAt), 'STATE');
      const whole = await readFile(to);
      for (const length of [0, 50, 500, stateAt]) {
        await writeFile(from, whole.subarray(0, length));
        await assert.rejects(readSaveImage(from), refused('corrupt'), `${length} bytes`);
      }
      await assert.rejects(readSaveImage(join(directory, 'none')), refused('corrupt'));
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  void test('`readMap` joins what touches, and takes what is marked', () => {
    const parts = [part(0, 4, true), part(4, 4, false), part(8, 2, false), part(10, 6, true)];
    const map = readMap(JSON.stringify([...parts, part(16, 1, false)]));
    assert.equal(map.dirtyBytes, 7);
    assert.deepEqual(map.extents, [
      { offset: 4, lengthBytes: 6 },
      { offset: 16, lengthBytes: 1 },
    ]);
    for (const text of ['{}', 'no JSON', '']) {
      assert.throws(() => readMap(text), refused('protocol'), text);
    }
  });
});
