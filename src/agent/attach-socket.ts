import { closeSync, fstatSync, openSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { getuid } from 'node:process';
import { KgetError, systemCode } from '../base/error.ts';
import { makeDirectoryNow } from '../content/durable.ts';
import { streamChannel } from '../control/stream-channel.ts';
import { takeLock } from '../store/lock.ts';
import {
  holderMessage,
  visitorMessage,
  type AttachPoint,
  type HoldAttempt,
  type VisitChannel,
  type VisitorChannel,
} from './attach-point.ts';

const SOCKET_NAME = 'agent.sock';
const LOCK_NAME = 'agent.lock';

/** Visits at one time: one is the rule, two when a new coordinator comes before the old is gone. */
const MAX_VISITS = 8;

/** Others may remove the directory, which is empty, before there is something of ours in it. */
const MAX_TRIES = 10;

/**
 * The attach point of real agents: a lock file in the directory says who holds it, a socket beside
 * it leads to that process.
 */
export const socketAttachPoint: AttachPoint = { reach, hold };

async function reach(directory: string): Promise<VisitorChannel | undefined> {
  const place = openDirectory(directory);
  if (place === undefined) return undefined;
  try {
    // In somebody else's directory anybody might listen.
    if (!place.isOwn) return undefined;
    const socket = await connected(place.socketPath);
    return (
      socket &&
      streamChannel({
        readable: socket,
        writable: socket,
        schema: holderMessage,
        peer: 'the agent that holds the spool',
      })
    );
  } finally {
    place.close();
  }
}

/** Undefined if nobody listens there, or too many have come and were not let in. */
function connected(path: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ path, allowHalfOpen: true });
    socket.once('connect', () => resolve(socket));
    // It stays: an error after this one, while the channel is made, must not end the process.
    socket.on('error', () => resolve(undefined));
  });
}

async function hold(
  directory: string,
  onVisit: (channel: VisitChannel) => void,
): Promise<HoldAttempt> {
  const lock = join(directory, LOCK_NAME);
  const owner = lockDirectory(directory, lock);
  if (owner !== undefined) return { state: 'taken', processId: owner };
  const found = await listen(directory, onVisit);
  let isReleased = false;
  return {
    state: 'held',
    hold: {
      names: [SOCKET_NAME, LOCK_NAME],
      defect: typeof found === 'string' ? found : undefined,
      release() {
        if (isReleased) return;
        isReleased = true;
        if (typeof found !== 'string') found.stop();
        rmSync(lock, { force: true });
      },
    },
  };
}

/** Takes the lock; or the id of the process that has it. @throws Error the operating system's */
function lockDirectory(directory: string, lock: string): number | undefined {
  let owner: number | undefined;
  for (let tries = 1; ; tries += 1) {
    try {
      makeDirectoryNow(directory, 0o700);
      takeLock(lock, (pid) => {
        owner = pid;
        return new KgetError('locked', `Cannot use ${directory}: process ${pid} works in it`);
      });
      return undefined;
    } catch (error) {
      if (owner !== undefined) return owner;
      if (systemCode(error) !== 'ENOENT' || tries === MAX_TRIES) throw error;
    }
  }
}

/** Listens on the socket; or why that cannot be done. */
async function listen(
  directory: string,
  onVisit: (channel: VisitChannel) => void,
): Promise<{ stop(): void } | string> {
  const place = openDirectory(directory);
  if (place === undefined) return 'its directory cannot be opened through /proc';
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    onVisit(
      streamChannel({
        readable: socket,
        writable: socket,
        schema: visitorMessage,
        peer: 'the agent that came for the spool',
      }),
    );
  });
  server.maxConnections = MAX_VISITS;
  try {
    // Whoever made a socket before has gone: the lock would be theirs.
    rmSync(place.socketPath, { force: true });
    await bound(server, place.socketPath);
  } catch (error) {
    place.close();
    return `its socket cannot be made: ${error instanceof Error ? error.message : String(error)}`;
  }
  // A visitor that cannot be accepted comes again.
  server.on('error', () => {});
  return {
    stop() {
      server.close(place.close);
      rmSync(place.socketPath, { force: true });
    },
  };
}

function bound(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

interface OpenDirectory {
  readonly socketPath: string;
  readonly isOwn: boolean;
  close(): void;
}

/**
 * A way to the socket of a directory that is short however long the directory's own name is: at most
 * 107 bytes fit into the address of a socket (unix(7)). Undefined if there is no such directory.
 */
function openDirectory(directory: string): OpenDirectory | undefined {
  let fd: number;
  try {
    fd = openSync(directory, 'r');
  } catch {
    return undefined;
  }
  return {
    socketPath: `/proc/self/fd/${fd}/${SOCKET_NAME}`,
    isOwn: fstatSync(fd).uid === getuid?.(),
    close: () => closeSync(fd),
  };
}
