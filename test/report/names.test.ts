import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as fc from 'fast-check';
import { shorten, shortNames, visible } from '../../src/report/names.ts';

const labels = (names: readonly string[], width = 14) => [...shortNames(names, width).values()];

void it('`visible` writes escapes when characters would not show as themselves', () => {
  assert.equal(visible('a\u001b[2J\n\u202eb'), String.raw`a\u{1b}[2J\n\u{202e}b`);
  assert.equal(visible('Dateien/Größe → 7 €'), 'Dateien/Größe → 7 €');
});

void it('`shorten` keeps both ends when a text is too long', () => {
  assert.equal(shorten('disk.qcow2', 10), 'disk.qcow2');
  assert.equal(shorten('production-node-0017', 10), 'prod…-0017');
});

void it('`shorten` never exceeds the width when given any text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 40 }), (text, width) => {
      assert.ok(Array.from(shorten(text, width)).length <= width);
    }),
  );
});

void it('`shortNames` leaves out what names share when they are long', () => {
  assert.deepEqual(labels(['n1.example.org', 'n2.example.org']), ['n1', 'n2']);
  assert.deepEqual(labels(['compute-frankfurt-01', 'compute-frankfurt-02']), ['…01', '…02']);
  assert.deepEqual(labels(['10.0.1.7', '10.0.2.7']), ['10.0.1.7', '10.0.2.7']);
  assert.deepEqual(labels(['node1']), ['node1']);
});
