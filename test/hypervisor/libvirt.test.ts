import { describeHypervisor } from './contract.ts';
import { libvirtFixture } from './libvirt-fixture.ts';
import { whyNoLibvirtd } from './libvirtd.ts';
import { whyNoGuest } from './tiny-guest.ts';

const skip = (await whyNoLibvirtd()) || (await whyNoGuest(['e2fsck']));

describeHypervisor('libvirt', libvirtFixture, { skip });
