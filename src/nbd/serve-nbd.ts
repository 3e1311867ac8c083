import { createServer, type Socket } from 'node:net';
import { countUses } from './disk-uses.ts';
import type { Exports } from './disk.ts';
import { NBD_LIMITS, type NbdLimits } from './limits.ts';
import { listen, type NbdAddress } from './listen.ts';
import { serveConnection } from './serve-connection.ts';
import { checkTls, type TlsOptions } from './upgrade-tls.ts';

export interface NbdOptions {
  readonly listen: NbdAddress;
  readonly exports: Exports;
  /** Without it there is no TLS to be had. */
  readonly tls?: TlsOptions;
  readonly limits?: Partial<NbdLimits>;
  /**
   * Gets a line for each client that was turned away and each read that failed. Whoever prints them
   * limits how many: a client can provoke as many as it likes.
   */
  readonly onNotice: (text: string) => void;
}

export interface NbdServer {
  /** With the port that was found free. */
  readonly address: NbdAddress;
  /** Ends all connections; resolves when all disks are closed. */
  close(): Promise<void>;
}

/**
 * Serves disks read-only over NBD, as doc/proto.md of https://github.com/NetworkBlockDevice/nbd
 * describes it, to all who can reach the address.
 * @throws KgetError `usage` for a certificate, key or path that cannot be used; `unreachable` if
 *   the address cannot be had
 */
export async function serveNbd(options: NbdOptions): Promise<NbdServer> {
  const { exports, tls, onNotice } = options;
  const limits: NbdLimits = { ...NBD_LIMITS, ...options.limits };
  if (tls !== undefined) checkTls(tls);
  const uses = countUses({ exports, onNotice });
  const sockets = new Set<Socket>();
  const sessions = new Set<Promise<void>>();
  // A client that ends its side may still wait for replies.
  const server = createServer({ allowHalfOpen: true }, accept);

  function accept(socket: Socket): void {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    const session = serveConnection(socket, {
      uses,
      limits,
      onNotice,
      ...(tls === undefined ? {} : { tls }),
    });
    sessions.add(session);
    void session.finally(() => sessions.delete(session));
  }

  server.maxConnections = limits.connections;
  server.on('drop', () => {
    onNotice(`Refused a connection: ${limits.connections} are open, which is the limit`);
  });
  const address = await listen(server, options.listen);
  server.on('error', (error) => onNotice(`Cannot accept a connection: ${error.message}`));

  async function close(): Promise<void> {
    const closed = new Promise((resolve) => {
      server.close(resolve);
    });
    for (const socket of sockets) socket.destroy();
    await Promise.all(sessions);
    await uses.closed();
    await closed;
  }

  return { address, close };
}
