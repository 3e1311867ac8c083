import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../base/system-clock.ts';
import { VERSION } from '../base/version.ts';
import { callMessage, type AnswerMessage, type CallMessage } from '../control/calls.ts';
import { runToEnd } from '../control/run-to-end.ts';
import { streamChannel } from '../control/stream-channel.ts';
import { libvirtHypervisor } from '../hypervisor/libvirt/driver.ts';
import { qemuHypervisor } from '../hypervisor/qemu/qemu.ts';
import { openImageCache } from './cache/image-cache.ts';
import { runHost } from './host.ts';
import { readHostFacts } from './host-facts.ts';
import { processesOf } from './processes-of.ts';

const data = process.env['XDG_DATA_HOME'] ?? join(homedir(), '.local', 'share');

// ssh tells where it came from, and where it reached this host: "client port server port".
const [callerAddress = null, , address = null] = (process.env['SSH_CONNECTION'] ?? '')
  .split(' ')
  .filter((word) => word !== '');

const channel = streamChannel<AnswerMessage, CallMessage>({
  readable: process.stdin,
  writable: process.stdout,
  schema: callMessage,
  peer: 'the coordinator',
});
channel.send({ type: 'hello', version: VERSION, nodeVersion: process.version, address });

runToEnd((stop) =>
  runHost({
    channel,
    clock: systemClock,
    facts: readHostFacts(processesOf),
    callerAddress,
    // Homes may be on shared storage, and what lies there be of this host alone.
    defaultDirectory: join(data, 'kgetplus', hostname()),
    hypervisors: {
      qemu: (directory, shared) =>
        qemuHypervisor({
          directory,
          clock: systemClock,
          ...(shared !== null && { sharedDirectory: shared }),
        }),
      libvirt: (directory) => libvirtHypervisor({ directory, clock: systemClock }),
    },
    openCache: openImageCache,
    stop,
  }),
);
