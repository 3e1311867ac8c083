import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { machinePaths } from '../../src/host/node-place.ts';
import { openPlace } from '../../src/host/node-place.ts';
import { logBytes, readEvents, readLog } from '../../src/host/said.ts';
import { temporaryDirectory } from './fixture.ts';

function newMachine() {
  const paths = machinePaths(openPlace(`${temporaryDirectory()}/node`), 'vm');
  mkdirSync(paths.directory);
  return paths;
}

void suite('what machines have said', () => {
  void test('`readEvents` gives whole lines that are events, of all hosts', () => {
    const paths = newMachine();
    assert.deepEqual(readEvents(paths), []);
    writeFileSync(paths.status, 'ready\r\nnonsense\n\0\0\nstarted\nexit 1');
    assert.deepEqual(readEvents(paths), ['ready', 'started']);
    writeFileSync(paths.earlierStatus, 'ready\nstarted\n');
    writeFileSync(paths.status, 'exit 3\n');
    assert.deepEqual(readEvents(paths), ['ready', 'started', 'exit 3']);
  });

  void test('`readEvents` is bounded, whatever a guest writes', () => {
    const paths = newMachine();
    writeFileSync(paths.status, 'ready\n'.repeat(1_000_000));
    assert.equal(readEvents(paths).length, 256);
    writeFileSync(paths.status, 'x'.repeat(1_000_000));
    assert.deepEqual(readEvents(paths), []);
  });

  void test('the pieces of `readLog` are the whole, with no character torn apart', () => {
    const paths = newMachine();
    const unit = fc.constantFrom('a', 'ä', '€', '😀', '\n');
    const text = fc.tuple(fc.string({ unit }), fc.string({ unit }), fc.nat(3));
    const property = fc.property(text, ([earlier, now, times]) => {
      const long = now.repeat(10 ** times * 30);
      writeFileSync(paths.earlierLog, earlier);
      writeFileSync(paths.log, long);
      let whole = '';
      let offset = 0;
      for (let pieces = 0; pieces < 100; pieces += 1) {
        const piece = readLog(paths, { source: 'command', offset });
        assert.ok(piece.nextOffset - offset <= 256 * 1024);
        assert.equal(piece.totalBytes, logBytes(paths));
        whole += piece.text;
        offset = piece.nextOffset;
        if (offset === piece.totalBytes) break;
      }
      assert.equal(whole, earlier + long);
    });
    fc.assert(property, { numRuns: 40 });
  });

  void test('`readLog` comes to the end of a log that ends within a character', () => {
    const paths = newMachine();
    writeFileSync(paths.log, Buffer.from([0x61, 0xe2, 0x82]));
    const first = readLog(paths, { source: 'command', offset: 0 });
    assert.deepEqual(first, { text: 'a', nextOffset: 1, totalBytes: 3 });
    assert.equal(readLog(paths, { source: 'command', offset: 1 }).nextOffset, 3);
    assert.deepEqual(readLog(paths, { source: 'command', offset: 99 }), {
      text: '',
      nextOffset: 3,
      totalBytes: 3,
    });
  });

  void test('`readLog` gives the console apart from the command', () => {
    const paths = newMachine();
    writeFileSync(paths.console, 'Linux\n');
    assert.equal(readLog(paths, { source: 'console', offset: 0 }).text, 'Linux\n');
    assert.equal(readLog(paths, { source: 'command', offset: 0 }).text, '');
  });
});
