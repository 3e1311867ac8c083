import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { KgetError } from '../../src/base/error.ts';
import { splitWords } from '../../src/cli/words.ts';

void suite('splitWords', () => {
  for (const [command, words] of [
    ['ssh', ['ssh']],
    ['  ssh  -F  cfg ', ['ssh', '-F', 'cfg']],
    [`ssh -o 'ProxyCommand nc %h 22'`, ['ssh', '-o', 'ProxyCommand nc %h 22']],
    [`"a b"c\\ d "e\\"f"`, ['a bc d', 'e"f']],
    [`a''b ""`, ['ab', '']],
    ['', []],
  ] as const) {
    void test(`\`splitWords\` splits <${command}> into ${words.length} words`, () => {
      assert.deepEqual(splitWords(command), words);
    });
  }

  void test('`splitWords` refuses a quote that does not end', () => {
    for (const command of [`ssh 'a`, `ssh "a b`, 'ssh a\\']) {
      assert.throws(() => splitWords(command), KgetError, command);
    }
  });
});
