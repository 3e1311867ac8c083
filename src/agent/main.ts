import { homedir } from 'node:os';
import { join } from 'node:path';
import { VERSION } from '../base/version.ts';
import { systemClock } from '../base/system-clock.ts';
import {
  coordinatorMessage,
  type AgentMessage,
  type CoordinatorMessage,
} from '../control/messages.ts';
import { streamChannel } from '../control/stream-channel.ts';
import { runAgent } from './agent.ts';

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
process.on('SIGINT', () => {
  // Ctrl-C at the coordinator's terminal reaches local agents too: the coordinator decides.
});
const agent = runAgent({
  channel,
  clock: systemClock,
  home: homedir(),
  defaultSpool: join(cache, 'kgetplus', 'spool'),
  address,
});
void agent.finally(() => setTimeout(() => process.exit(), LINGER_LIMIT_MS).unref());
