import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { QmpEvent } from '../../../src/hypervisor/qemu/qmp-line.ts';
import { exitByEvents } from '../../../src/hypervisor/qemu/states.ts';

const event = (name: string, data: QmpEvent['data'] = {}): QmpEvent => ({
  kind: 'event',
  name,
  data,
});

void suite('exitByEvents', () => {
  const powerOff = event('SHUTDOWN', { guest: true, reason: 'guest-shutdown' });
  const quit = event('SHUTDOWN', { guest: false, reason: 'host-qmp-quit' });
  const signalled = event('SHUTDOWN', { guest: false, reason: 'host-signal' });
  const cases = [
    ['the guest shut down', [event('RESUME'), powerOff], 'guest'],
    ['QEMU was told to quit', [event('RESUME'), quit], 'stopped'],
    ['QEMU got a signal', [signalled], 'killed'],
    ['nothing was told', [event('RESUME')], 'killed'],
    ['the guest panicked', [event('GUEST_PANICKED'), event('STOP')], 'panicked'],
    ['a machine that had panicked was ended', [event('GUEST_PANICKED'), quit], 'stopped'],
  ] as const;
  for (const [what, events, reason] of cases) {
    void test(`\`exitByEvents\` is "${reason}" when ${what}`, () => {
      assert.equal(exitByEvents(events, '').reason, reason);
    });
  }

  void test('`exitByEvents` has the last words when QEMU was killed', () => {
    assert.deepEqual(exitByEvents([], 'out of memory'), {
      reason: 'killed',
      detail: 'out of memory',
    });
  });
});
