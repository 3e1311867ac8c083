import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { SILENCE_LIMIT_MS } from '../../src/agent/limits.ts';
import { configuration, makeHost } from './agents.ts';

void suite('runAgent', () => {
  void test('`runAgent` resolves when its channel ends', async (t) => {
    const { coordinator, left } = makeHost(t).start();
    coordinator.close();
    await left;
  });

  void test('`runAgent` resolves, and leaves no scratch files, when its channel ends at work', async (t) => {
    const { spool, start } = makeHost(t);
    const { coordinator, left, heard } = start();
    coordinator.send(await configuration({ orphanMs: 0 }));
    await heard('ready');
    assert.ok(existsSync(join(spool, 'key', 'node1', 'scratch')));
    coordinator.close();
    await left;
    assert.ok(!existsSync(join(spool, 'key')));
  });

  void test('`runAgent` leaves when it has heard nothing for `SILENCE_LIMIT_MS`', async (t) => {
    const { clock, start } = makeHost(t);
    const { left, ended } = start();
    await clock.elapse(SILENCE_LIMIT_MS + 1);
    await Promise.all([left, ended]);
  });

  void test('`runAgent` stays as long as it is spoken to', async (t) => {
    const { clock, start } = makeHost(t);
    const { coordinator, left, heard } = start();
    for (let minute = 0; minute < 5; minute += 1) {
      await clock.elapse(SILENCE_LIMIT_MS / 2);
      coordinator.send({ type: 'ping' });
      await heard('pong');
    }
    coordinator.send({ type: 'leave', emptySpool: false });
    await heard('left');
    await left;
  });

  void test('`runAgent` is unfit when its spool cannot be made', async (t) => {
    const { coordinator, heard, left } = makeHost(t).start();
    coordinator.send(await configuration({ spoolDirectory: '/proc/spool' }));
    const { failure } = await heard('unfit');
    assert.equal(failure.code, 'target-unwritable');
    assert.match(failure.message, /Cannot make the spool \/proc\/spool.*--spool/);
    // It stays to be told, and to say that it left.
    coordinator.send({ type: 'ping' });
    await heard('pong');
    coordinator.send({ type: 'leave', emptySpool: true });
    await heard('left');
    await left;
  });

  void test('`runAgent` is unfit when the target directory is not there', async (t) => {
    const { spool, start } = makeHost(t);
    const { coordinator, heard, left } = start();
    coordinator.send(await configuration({ target: { layout: 'files', directory: spool } }));
    const { failure } = await heard('unfit');
    assert.equal(failure.code, 'target-unwritable');
    await setImmediate();
    coordinator.close();
    await left;
  });
});
