import { describeHypervisor } from './contract.ts';
import { qemuFixture } from './qemu-fixture.ts';
import { whyNoGuest } from './tiny-guest.ts';

const skip = await whyNoGuest(['qemu-system-x86_64', 'qemu-img', 'e2fsck']);

describeHypervisor('qemu', qemuFixture, { skip });
