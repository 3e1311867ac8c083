import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { Clock } from '../../src/base/clock.ts';
import { systemClock } from '../../src/base/system-clock.ts';
import { libvirtHypervisor } from '../../src/hypervisor/libvirt/driver.ts';
import { refuses } from './contract/refusals.ts';

/** A user that is not the one of the tests. */
const SOMEBODY = 64_055;

/** Time is over at once. */
const hasty: Clock = { nowMs: () => 0, sleep: async () => undefined };

void suite('virsh', () => {
  let directory = '';
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'kgetplus-virsh-'));
  });
  after(async () => rm(directory, { recursive: true }));

  async function driver(script: string | null, clock = systemClock) {
    const virsh = join(directory, script === null ? 'none' : 'virsh');
    if (script !== null) await writeFile(virsh, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return libvirtHypervisor({ directory, clock, virsh });
  }
  const probe = async (script: string | null, clock?: Clock) =>
    (await driver(script, clock)).probe(new AbortController().signal);

  void test('`probe` is `unreachable` when there is no virsh', async () => {
    await refuses('unreachable', probe(null));
  });

  void test('`probe` is `unreachable` when the daemon is not there', async () => {
    const words = 'failed to connect to the hypervisor\nerror: Failed to connect socket';
    await refuses('unreachable', probe(`echo "error: ${words}" >&2; exit 1`));
  });

  void test('`probe` is `version` when the daemon is too old', async () => {
    const words = 'Running hypervisor: QEMU 4.2.0\nRunning against daemon: 7.1.9';
    await refuses('version', probe(`echo "${words}"`));
  });

  void test('`probe` is `protocol` when the daemon runs no QEMU', async () => {
    await refuses('protocol', probe('echo "Running hypervisor: Xen 4.17"'));
  });

  void test('`probe` is `timeout` when the daemon hangs', async () => {
    await refuses('timeout', probe('exec sleep 60', hasty));
  });

  void test('`probe` is `unreachable` when guests run as a user who does not get there', async () => {
    // The directory of the test is its user's alone.
    await refuses('unreachable', probe(runningGuestsAs(SOMEBODY)));
    assert.equal((await probe(runningGuestsAs(0))).accelerator, 'tcg');
    await chmod(directory, 0o711);
    assert.equal((await probe(runningGuestsAs(SOMEBODY))).arch, 'x86_64');
  });

  void test('`look` is `protocol` when the answer makes no sense', async () => {
    await refuses('protocol', (await driver('echo "Domain: strange"')).look('vm'));
  });

  void test('`look` is `usage` when there is no such domain', async () => {
    const { look } = await driver(`echo "error: failed to get domain 'vm'" >&2; exit 1`);
    await refuses('usage', look('vm'));
  });
});

/** A virsh whose daemon runs guests as this user and group. */
function runningGuestsAs(id: number): string {
  const label =
    '<capabilities><host><secmodel><model>none</model></secmodel><secmodel><model>dac</model>' +
    `<baselabel type="qemu">+${id}:+${id}</baselabel></secmodel></host></capabilities>`;
  return `case "$*" in
*capabilities) echo '${label}' ;;
*version*) printf 'Running hypervisor: QEMU 7.2.0\\nRunning against daemon: 9.0.0\\n' ;;
*nodeinfo) echo 'CPU model:           x86_64' ;;
*) echo 'error: no KVM' >&2; exit 1 ;;
esac`;
}
