/** The host agent as in `src/host/main.ts`, with another libvirtd than the host's: its URI. */
import { systemClock } from '../../src/base/system-clock.ts';
import { VERSION } from '../../src/base/version.ts';
import { callMessage, type AnswerMessage, type CallMessage } from '../../src/control/calls.ts';
import { streamChannel } from '../../src/control/stream-channel.ts';
import { openImageCache } from '../../src/host/cache/image-cache.ts';
import { runHost } from '../../src/host/host.ts';
import { readHostFacts } from '../../src/host/host-facts.ts';
import { processesOf } from '../../src/host/processes-of.ts';
import { libvirtHypervisor } from '../../src/hypervisor/libvirt/driver.ts';

const [, , connection = ''] = process.argv;

const channel = streamChannel<AnswerMessage, CallMessage>({
  readable: process.stdin,
  writable: process.stdout,
  schema: callMessage,
  peer: 'the test',
});
channel.send({ type: 'hello', version: VERSION, nodeVersion: process.version, address: null });

await runHost({
  channel,
  clock: systemClock,
  facts: readHostFacts(processesOf),
  callerAddress: null,
  defaultDirectory: '/nonexistent',
  hypervisors: {
    qemu: () => {
      throw new Error('wanted libvirt');
    },
    libvirt: (directory) => libvirtHypervisor({ directory, clock: systemClock, connection }),
  },
  openCache: openImageCache,
  stop: new AbortController().signal,
});
