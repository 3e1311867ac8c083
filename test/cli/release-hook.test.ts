import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { releaseHook } from '../../src/cli/release-hook.ts';

void suite('releaseHook', () => {
  void test('`releaseHook` resolves with nothing when the command ends well', async () => {
    assert.equal(await releaseHook('test {node} = a1')('a1'), undefined);
  });

  void test('`releaseHook` tells the signal that ended a command, and its last words', async () => {
    const failure = await releaseHook('echo going; kill -TERM $$')('a1');
    assert.match(failure?.message ?? '', /for a1 .* was ended by SIGTERM; it said: going/);
  });

  void test('`releaseHook` ends a command and its children when it is slow', async () => {
    // The child holds the pipes: it would keep us waiting, too.
    const failure = await releaseHook('sleep 60 & wait', { limitMs: 100 })('a1');
    assert.equal(failure?.code, 'timeout');
    assert.match(failure.message, /was ended after 0.1 s/);
  });
});
