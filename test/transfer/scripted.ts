import { once } from 'node:events';
import type { AddressInfo, Server as TcpServer } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import type { Authority } from '../../src/transfer/identity.ts';
import { trust } from '../../src/transfer/trust.ts';

export interface ScriptedSender extends AsyncDisposable {
  readonly from: { readonly node: string; readonly host: string; readonly port: number };
}

/**
 * A sender of the run that sends these frames, whatever it is asked, one for each thing it is
 * asked.
 */
export async function scripted(
  authority: Authority,
  frames: readonly Buffer[],
  repeated?: { readonly frame: Buffer; readonly everyMs: number },
): Promise<ScriptedSender> {
  return await speaking(authority, (socket) => {
    let next = 0;
    if (repeated !== undefined) {
      repeat(socket, () => socket.write(repeated.frame), repeated.everyMs);
    }
    socket.on('data', () => {
      // OPEN, ASK and WANT each set off one frame; the last one sets off all that are left.
      const upTo = next >= 2 ? frames.length : next + 1;
      for (const frame of frames.slice(next, upTo)) socket.write(frame);
      next = upTo;
    });
  });
}

/** A sender of the run that sends these frames in small pieces, once it has been asked for more. */
export async function trickling(
  authority: Authority,
  frames: readonly Buffer[],
  { pieceBytes, everyMs }: { readonly pieceBytes: number; readonly everyMs: number },
): Promise<ScriptedSender> {
  return await speaking(authority, (socket) => {
    let asked = 0;
    let sent = 0;
    let rest = Buffer.alloc(0);
    socket.on('data', () => {
      asked += 1;
    });
    repeat(
      socket,
      () => {
        const next = frames[sent];
        if (rest.length === 0 && next !== undefined && sent < asked) {
          rest = Buffer.from(next);
          sent += 1;
        }
        if (rest.length > 0) socket.write(rest.subarray(0, pieceBytes));
        rest = rest.subarray(pieceBytes);
      },
      everyMs,
    );
  });
}

function repeat(socket: TLSSocket, action: () => void, everyMs: number): void {
  const timer = setInterval(action, everyMs);
  socket.on('close', () => clearInterval(timer));
}

async function speaking(
  authority: Authority,
  speak: (socket: TLSSocket) => void,
): Promise<ScriptedSender> {
  const identity = await authority.issue('sender');
  const server = createServer({ ...trust(identity), requestCert: true });
  const sockets = new Set<TLSSocket>();
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    speak(socket);
  });
  const port = portOf(await listening(server));
  return {
    from: { node: 'sender', host: '127.0.0.1', port },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

export async function listening<S extends TcpServer>(server: S): Promise<S> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

export function portOf(server: TcpServer): number {
  return (server.address() as AddressInfo).port;
}
