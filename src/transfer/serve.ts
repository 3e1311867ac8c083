import { once } from 'node:events';
import { createServer, type TLSSocket } from 'node:tls';
import { KgetError, systemCode } from '../base/error.ts';
import { SERVE_LIMITS, type ServeLimits } from './limits.ts';
import { newcomers } from './newcomers.ts';
import { boundedNotices } from './notices.ts';
import { serveConnection } from './serve-connection.ts';
import { trust } from './trust.ts';
import type { ServeOptions, Server } from './transfer.ts';

/** Only durations within one process are measured: the wall clock and its changes play no part. */
const nowMs = (): number => performance.now();

/**
 * Listens on a free port of all addresses, and serves images to whoever proves to belong to the
 * run.
 * @throws KgetError `unreachable` if there is no port to be had
 */
export async function serve(options: ServeOptions): Promise<Server> {
  const limits: ServeLimits = { ...SERVE_LIMITS, ...options.limits };
  const { noticesPerMinute: perMinute } = limits;
  const onNotice = boundedNotices({ perMinute, nowMs, onNotice: (text) => options.onNotice(text) });
  const server = createServer({
    ...trust(options.identity),
    requestCert: true,
    rejectUnauthorized: true,
  });
  const sockets = new Set<{ destroy(): unknown }>();
  const peers = new Set<TLSSocket>();
  const strangers = newcomers({
    limit: limits.newcomers,
    deadlineMs: limits.handshakeMs,
    onNotice,
  });

  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    strangers.enter(socket);
  });
  server.on('secureConnection', (socket) => {
    strangers.leave(socket);
    if (peers.size === limits.connections) {
      const found = `${limits.connections} connections are open, which is the limit`;
      onNotice(`Refused a connection from ${socket.remoteAddress}: ${found}`);
      socket.destroy();
      return;
    }
    peers.add(socket);
    socket.on('close', () => peers.delete(socket));
    serveConnection(socket, { ...options, onNotice, limits, nowMs });
  });
  server.on('tlsClientError', (error, socket) => {
    onNotice(refusal(error, socket));
  });

  server.listen(0);
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw new KgetError('unreachable', `Cannot listen for other nodes: ${String(cause)}`, {
      cause,
    });
  }
  server.on('error', (error) => onNotice(`Cannot accept a connection: ${error.message}`));

  async function close(): Promise<void> {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  }

  const address = server.address();
  if (address === null || typeof address === 'string') {
    throw new KgetError('internal', 'Cannot listen for other nodes: the socket has no port');
  }
  return { port: address.port, close };
}

function refusal(error: Error, socket: TLSSocket): string {
  // The reason that the certificate was not accepted for is only here; the error is a mere reset.
  const reason: unknown = socket.authorizationError ?? systemCode(error) ?? error.message;
  // The address is not known any more if the connection is already closed.
  const { remoteAddress } = socket;
  const from = remoteAddress === undefined ? '' : ` from ${remoteAddress}`;
  return `Refused a stranger${from}: ${String(reason)}`;
}
