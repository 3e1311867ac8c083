import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { VERSION } from '../base/version.ts';
import { systemClock } from '../base/system-clock.ts';
import {
  coordinatorMessage,
  type AgentMessage,
  type CoordinatorMessage,
} from '../control/messages.ts';
import { runToEnd } from '../control/run-to-end.ts';
import { streamChannel } from '../control/stream-channel.ts';
import { runAgent } from './agent.ts';
import { socketAttachPoint } from './attach-socket.ts';

const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');

// ssh tells where it reached this host: "client port server port".
const address = process.env['SSH_CONNECTION']?.split(' ')[2] ?? null;

const channel = streamChannel<AgentMessage, CoordinatorMessage>({
  readable: process.stdin,
  writable: process.stdout,
  schema: coordinatorMessage,
  peer: 'the coordinator',
});
channel.send({ type: 'hello', version: VERSION, nodeVersion: process.version, address });

runToEnd((stop) =>
  runAgent({
    channel,
    clock: systemClock,
    home: homedir(),
    defaultSpool: join(cache, 'kgetplus', 'spool'),
    address,
    attach: socketAttachPoint,
    // A shipped agent's file is named after its digest.
    build: `${VERSION} ${basename(process.argv[1] ?? '')}`,
    processId: process.pid,
    stop,
  }),
);
