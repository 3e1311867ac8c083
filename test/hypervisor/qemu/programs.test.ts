import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { systemClock } from '../../../src/base/system-clock.ts';
import { qemuHypervisor } from '../../../src/hypervisor/qemu/qemu.ts';
import { script } from '../../control/temporary.ts';

const signal = new AbortController().signal;

void suite('probe', () => {
  const directory = mkdtempSync(join(tmpdir(), 'kgetplus-programs-'));
  after(() => rmSync(directory, { recursive: true, force: true }));
  const probe = async (qemuSystem: string) =>
    qemuHypervisor({ directory, clock: systemClock, accelerator: 'tcg', qemuSystem }).probe(signal);

  void test('`probe` names the package when QEMU is not installed', async () => {
    const missing = join(directory, 'missing');
    await assert.rejects(probe(missing), { code: 'unreachable', message: /Debian: qemu-system-/ });
  });

  void test('`probe` refuses when QEMU is too old', async () => {
    const text = 'echo "QEMU emulator version 5.2.0 (Debian 1:5.2+dfsg-11+deb11u3)"';
    const old = script(directory, { name: 'old', text });
    await assert.rejects(probe(old), { code: 'version', message: /5\.2\.0.*6\.0 wanted/ });
  });

  void test('`probe` tells version and accelerator when QEMU is there', async () => {
    const text = 'echo "QEMU emulator version 7.2.22 (Debian)"';
    const { version, accelerator } = await probe(script(directory, { name: 'new', text }));
    assert.deepEqual({ version, accelerator }, { version: '7.2.22', accelerator: 'tcg' });
  });
});
