import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { plainName } from '../../src/agent/target-names.ts';
import { showProgress } from '../../src/cli/progress.ts';
import { realClock } from '../control/clocks.ts';

void describe('names that strangers may choose', () => {
  void test('`plainName` refuses what leads elsewhere, or to what the command keeps', () => {
    for (const name of ['', '.', '..', '.kgetplus', 'a/b', '/a', '../a', 'a\0']) {
      assert.throws(() => plainName(name), { code: 'protocol' }, JSON.stringify(name));
    }
    for (const name of ['disk.img', '...', '.hidden', 'a b', '-rf', 'ünï']) plainName(name);
  });

  void test('`showProgress` lets no escape sequence and no second line through', async () => {
    const stream = new PassThrough();
    const progress = showProgress({
      stream: Object.assign(stream, { isTTY: false }) as unknown as NodeJS.WriteStream,
      clock: realClock,
      startedMs: 0,
    });
    const evil = 'a\u001B[2J\u0007\r\n1.0 s  node1 released\u202E';
    progress.observer.notice('node1', evil);
    progress.observer.failed({ code: 'protocol', message: evil, node: 'node1', path: null });
    progress[Symbol.dispose]();
    stream.end();
    const lines = (await text(stream)).split('\n');
    assert.equal(lines.length, 3, 'two lines, each with its end');
    for (const line of lines) assert.doesNotMatch(line, /[\p{Cc}\p{Cf}]/u);
  });
});
