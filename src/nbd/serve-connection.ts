import type { Socket } from 'node:net';
import { KgetError, toFailure } from '../base/error.ts';
import type { DiskUses } from './disk-uses.ts';
import type { NbdLimits } from './limits.ts';
import { negotiate, type Outcome } from './negotiate.ts';
import { CLIENT_FLAGS_BYTES, readClientFlags } from './option-data.ts';
import { encodeGreeting } from './option-replies.ts';
import { transmit } from './transmit.ts';
import { upgradeToTls, type TlsOptions } from './upgrade-tls.ts';
import { socketWire, type Wire } from './wire.ts';

export interface ConnectionOptions {
  readonly uses: DiskUses;
  readonly tls?: TlsOptions;
  readonly limits: NbdLimits;
  readonly onNotice: (text: string) => void;
}

interface DiskOptions extends ConnectionOptions {
  readonly onViolation: (error: unknown) => void;
}

/** Where a client speaks, after TLS has begun or not, and what it wants. */
interface Settled {
  readonly socket: Socket;
  readonly wire: Wire;
  readonly outcome: Outcome;
}

/**
 * Serves one client from the greeting to the end. Resolves when no disk is in use by it any more;
 * never rejects.
 */
export async function serveConnection(socket: Socket, options: ConnectionOptions): Promise<void> {
  const { limits } = options;
  const from = socket.remoteAddress === undefined ? '' : ` of ${socket.remoteAddress}`;
  let isRefused = false;

  function refuse(reason: string): void {
    if (!isRefused) options.onNotice(`Closed a connection${from}: ${reason}`);
    isRefused = true;
    socket.destroy();
  }

  const handshake = setTimeout(() => {
    refuse(`no disk was chosen within ${limits.handshakeMs / 1000} s`);
  }, limits.handshakeMs);
  // What an error means shows in the reads and writes that fail with it.
  socket.on('error', () => undefined);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, limits.keepAliveMs);

  try {
    const settled = await settle(socket, options);
    clearTimeout(handshake);
    if (settled.outcome.kind === 'transmit') {
      await serveDisk(settled.outcome, settled, {
        ...options,
        onViolation: (error) => refuse(toFailure(error).message),
      });
    }
    leave(settled.socket, limits);
  } catch (error) {
    refuse(toFailure(error).message);
  } finally {
    clearTimeout(handshake);
  }
}

/** The handshake. @throws KgetError `protocol` if the client breaks it */
async function settle(socket: Socket, { uses, tls }: ConnectionOptions): Promise<Settled> {
  const wire = socketWire(socket);
  await wire.write([encodeGreeting()]);
  const flagBytes = await wire.read(CLIENT_FLAGS_BYTES);
  if (flagBytes === undefined) return { socket, wire, outcome: { kind: 'ended' } };
  const flags = readClientFlags(flagBytes);
  const stage = tls === undefined ? 'none' : tls.required ? 'required' : 'offered';
  const outcome = await negotiate(wire, { uses, flags, tls: stage });
  if (outcome.kind !== 'secure' || tls === undefined) return { socket, wire, outcome };

  // Bytes that came in the clear must not count as if they had come over TLS.
  if ((await wire.release()) > 0) {
    throw new KgetError('protocol', 'Cannot begin with TLS: the client did not wait for it');
  }
  const secured = await upgradeToTls(socket, tls);
  secured.on('error', () => undefined);
  const securedWire = socketWire(secured);
  return {
    socket: secured,
    wire: securedWire,
    outcome: await negotiate(securedWire, { uses, flags, tls: 'active' }),
  };
}

async function serveDisk(
  { use, replies, hasAllocation }: Extract<Outcome, { kind: 'transmit' }>,
  { socket, wire }: Settled,
  { limits, onNotice, onViolation }: DiskOptions,
): Promise<void> {
  let lingering: NodeJS.Timeout | undefined;
  try {
    await transmit({
      wire,
      disk: use.disk,
      replies,
      hasAllocation,
      limits,
      onNotice: (text) => onNotice(`Export "${use.name}": ${text}`),
      onGoodbye: () => {
        lingering = setTimeout(() => socket.destroy(), limits.lingerMs);
      },
      onViolation,
    });
  } finally {
    clearTimeout(lingering);
    use.release();
  }
}

/** Closes when all that was sent has gone out, or soon. */
function leave(socket: Socket, { lingerMs }: NbdLimits): void {
  if (socket.closed) return;
  const lingering = setTimeout(() => socket.destroy(), lingerMs);
  socket.once('close', () => clearTimeout(lingering));
  socket.destroySoon();
}
