import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { Clock } from '../../src/base/clock.ts';
import { systemClock } from '../../src/base/system-clock.ts';
import { libvirtHypervisor } from '../../src/hypervisor/libvirt/driver.ts';
import { refuses } from './contract/refusals.ts';

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

  void test('`look` is `protocol` when the answer makes no sense', async () => {
    await refuses('protocol', (await driver('echo "Domain: strange"')).look('vm'));
  });

  void test('`look` is `usage` when there is no such domain', async () => {
    const { look } = await driver(`echo "error: failed to get domain 'vm'" >&2; exit 1`);
    await refuses('usage', look('vm'));
  });
});
