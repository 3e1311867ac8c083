import type { Socket } from 'node:net';

export interface NewcomersOptions {
  /** Newcomers at a time. */
  readonly limit: number;
  /** How long one may remain a newcomer. */
  readonly deadlineMs: number;
  /** Why a connection was ended. */
  readonly onNotice: (text: string) => void;
}

/**
 * Connections that have not proved yet that they belong to the run. Whoever reaches the port can
 * open any number of them, and keep them for as long as they may: so they get a fixed time, in which
 * an honest peer is long done, and a new one takes the place of the oldest of the address that has
 * most. A stranger thus displaces himself, and nobody is refused because of others.
 */
export interface Newcomers {
  enter(socket: Socket): void;
  /** The connection has proved itself: it stays. `socket` may be the TLS socket over it. */
  leave(socket: Ends): void;
}

/** What tells connections to one port apart. */
type Ends = Pick<Socket, 'remoteAddress' | 'remotePort' | 'localAddress'>;

interface Newcomer {
  readonly socket: Socket;
  readonly address: string;
  readonly timer: NodeJS.Timeout;
}

export function newcomers({ limit, deadlineMs, onNotice }: NewcomersOptions): Newcomers {
  /** The oldest comes first. */
  const waiting = new Map<string, Newcomer>();

  function enter(socket: Socket): void {
    const address = socket.remoteAddress;
    if (address === undefined) {
      // It has gone already.
      socket.destroy();
      return;
    }
    if (waiting.size === limit) displace();
    const key = keyOf(socket);
    const timer = setTimeout(
      () => refuse(key, `it has not proved to belong to the run in ${deadlineMs / 1000} s`),
      deadlineMs,
    );
    waiting.set(key, { socket, address, timer });
    socket.on('close', () => {
      if (waiting.get(key)?.socket === socket) remove(key);
    });
  }

  function displace(): void {
    const byAddress = new Map<string, string[]>();
    for (const [key, { address }] of waiting) {
      const keys = byAddress.get(address);
      if (keys === undefined) byAddress.set(address, [key]);
      else keys.push(key);
    }
    let most: readonly string[] = [];
    for (const keys of byAddress.values()) if (keys.length > most.length) most = keys;
    const [oldest] = most;
    const found = `${limit} connections have not proved to belong to the run`;
    if (oldest !== undefined) refuse(oldest, `${found}, which is the limit`);
  }

  function refuse(key: string, reason: string): void {
    const newcomer = remove(key);
    if (newcomer === undefined) return;
    onNotice(`Refused a stranger from ${newcomer.address}: ${reason}`);
    newcomer.socket.destroy();
  }

  function remove(key: string): Newcomer | undefined {
    const newcomer = waiting.get(key);
    clearTimeout(newcomer?.timer);
    waiting.delete(key);
    return newcomer;
  }

  return {
    enter,
    leave: (socket) => {
      remove(keyOf(socket));
    },
  };
}

function keyOf({ remoteAddress, remotePort, localAddress }: Ends): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`;
}
