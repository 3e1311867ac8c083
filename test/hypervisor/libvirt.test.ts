import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { describeHypervisor } from './contract.ts';
import { libvirtFixture } from './libvirt-fixture.ts';
import { startLibvirtdPair, whyNoLibvirtd } from './libvirtd.ts';
import { whyNoGuest } from './tiny-guest.ts';

const skip = (await whyNoLibvirtd()) || (await whyNoGuest(['e2fsck']));

let root = '';
let daemons: Awaited<ReturnType<typeof startLibvirtdPair>> | undefined;
before(async () => {
  if (skip) return;
  root = await mkdtemp(join(tmpdir(), 'kgetplus-libvirtd-'));
  daemons = await startLibvirtdPair(root);
});
after(async () => {
  await daemons?.close();
  if (root !== '') await rm(root, { recursive: true, force: true });
});

async function fixture() {
  if (daemons === undefined) throw new Error('wanted two daemons');
  return libvirtFixture(daemons.pair);
}

describeHypervisor('libvirt', fixture, { skip });
