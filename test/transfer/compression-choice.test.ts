import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  compressionChoice,
  type CompressionChoice,
} from '../../src/transfer/compression-choice.ts';

const MB = 1_000_000;

/** Windows of 100 ms, each with so much sent and so much of it spent waiting. */
function send(
  choice: CompressionChoice,
  windows: { from: number; to: number; bytes: number; plainBytes?: number; waitedMs: number },
): void {
  const { bytes: wireBytes, plainBytes = wireBytes, waitedMs } = windows;
  for (let window = windows.from; window < windows.to; window += 1) {
    choice.waited(waitedMs);
    choice.sent({ nowMs: (window + 1) * 100, wireBytes, plainBytes });
  }
}

void test('`compressionChoice` compresses when the link is slow', () => {
  const choice = compressionChoice(0);
  assert.equal(choice.wanted(), false);
  send(choice, { from: 0, to: 1, bytes: 1 * MB, waitedMs: 90 });
  assert.equal(choice.wanted(), true);
});

void test('`compressionChoice` does not compress when the link is fast', () => {
  const choice = compressionChoice(0);
  send(choice, { from: 0, to: 9, bytes: 50 * MB, waitedMs: 60 });
  assert.equal(choice.wanted(), false);
});

void test('`compressionChoice` does not compress when the link does not hold us up', () => {
  const choice = compressionChoice(0);
  send(choice, { from: 0, to: 9, bytes: 1 * MB, waitedMs: 10 });
  assert.equal(choice.wanted(), false);
});

void test('`compressionChoice` stops when compression is slower than the bare link', () => {
  const choice = compressionChoice(0);
  send(choice, { from: 0, to: 1, bytes: 10 * MB, waitedMs: 90 });
  assert.equal(choice.wanted(), true);
  send(choice, { from: 1, to: 2, bytes: 4 * MB, plainBytes: 8 * MB, waitedMs: 0 });
  assert.equal(choice.wanted(), false);
});

void test('`compressionChoice` goes on when compression beats the bare link, and looks again', () => {
  const choice = compressionChoice(0);
  send(choice, { from: 0, to: 1, bytes: 10 * MB, waitedMs: 90 });
  const faster = { bytes: 8 * MB, plainBytes: 16 * MB, waitedMs: 0 };
  send(choice, { from: 1, to: 20, ...faster });
  assert.equal(choice.wanted(), true);
  send(choice, { from: 20, to: 21, ...faster });
  assert.equal(choice.wanted(), false);
});

void test('`compressionChoice` tries less and less when chunks do not shrink', () => {
  const choice = compressionChoice(0);
  send(choice, { from: 0, to: 1, bytes: 1 * MB, waitedMs: 90 });
  let tries = 0;
  for (let chunk = 0; chunk < 1000; chunk += 1) {
    if (!choice.wanted()) continue;
    tries += 1;
    assert.equal(choice.tried({ plainBytes: 1000, packedBytes: 999, tookMs: 0.1 }), false);
  }
  assert.ok(tries < 30, `${tries} tries`);
  while (!choice.wanted());
  assert.equal(choice.tried({ plainBytes: 1000, packedBytes: 400, tookMs: 0.1 }), true);
  assert.equal(choice.wanted(), true);
});
