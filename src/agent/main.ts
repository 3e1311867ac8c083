import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { VERSION } from '../base/version.ts';
import { systemClock } from '../base/system-clock.ts';
import {
  coordinatorMessage,
  type AgentMessage,
  type CoordinatorMessage,
} from '../control/messages.ts';
import { streamChannel } from '../control/stream-channel.ts';
import { runAgent } from './agent.ts';
import { socketAttachPoint } from './attach-socket.ts';

/** An agent that has left but does not end within this time is ended: see docs/architecture.md. */
const LINGER_LIMIT_MS = 5000;

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

const stop = new AbortController();
process.on('SIGTERM', () => stop.abort());
for (const signal of ['SIGINT', 'SIGHUP']) {
  process.on(signal, () => {
    // Ctrl-C at the coordinator's terminal reaches local agents too, and a session of ssh that ends
    // may hang up on us: what follows from it is up to the coordinator, and the end of the input.
  });
}
process.stderr.on('error', () => {
  // Whoever read our last words is gone.
});
const agent = runAgent({
  channel,
  clock: systemClock,
  home: homedir(),
  defaultSpool: join(cache, 'kgetplus', 'spool'),
  address,
  attach: socketAttachPoint,
  // A shipped agent's file is named after its digest.
  build: `${VERSION} ${basename(process.argv[1] ?? '')}`,
  processId: process.pid,
  stop: stop.signal,
});
// `process.exit` would wait for a read or a sync that hangs.
void agent.finally(() =>
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), LINGER_LIMIT_MS).unref(),
);
