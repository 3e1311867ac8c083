import type { Socket } from 'node:net';
import { createSecureContext, createServer, type TLSSocket } from 'node:tls';
import { KgetError } from '../base/error.ts';

/** PEM texts. */
export interface TlsOptions {
  readonly certificate: string;
  readonly key: string;
  /** Clients must have a certificate of this authority; without it, none is asked for. */
  readonly authority?: string;
  /** Whether clients without TLS are turned away. */
  readonly required: boolean;
}

/** @throws KgetError `usage` if certificate and key cannot be used */
export function checkTls(tls: TlsOptions): void {
  try {
    createSecureContext(contextOf(tls));
  } catch (cause) {
    throw new KgetError('usage', `Cannot use the certificate and key for TLS: ${String(cause)}`, {
      cause,
    });
  }
}

/**
 * Waits for the TLS handshake of the client at the other end of a plain connection, which nobody
 * else reads any more.
 * @throws KgetError `protocol` if the handshake fails; it ends the connection
 */
export function upgradeToTls(socket: Socket, tls: TlsOptions): Promise<TLSSocket> {
  const isClientAsked = tls.authority !== undefined;
  // A server that does not listen does all that goes with a handshake, of this one connection.
  const server = createServer({
    ...contextOf(tls),
    requestCert: isClientAsked,
    rejectUnauthorized: isClientAsked,
  });
  return new Promise((resolve, reject) => {
    function fail(reason: string): void {
      reject(new KgetError('protocol', `Cannot begin with TLS: ${reason}`));
    }
    server.once('secureConnection', resolve);
    server.once('tlsClientError', (error, { authorizationError }) =>
      fail(authorizationError === null ? error.message : String(authorizationError)),
    );
    socket.once('close', () => fail('the connection was closed'));
    server.emit('connection', socket);
  });
}

function contextOf({ certificate, key, authority }: TlsOptions): {
  cert: string;
  key: string;
  ca?: string;
} {
  return { cert: certificate, key, ...(authority === undefined ? {} : { ca: authority }) };
}
