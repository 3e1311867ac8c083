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
): Promise<ScriptedSender> {
  const identity = await authority.issue('sender');
  const server = createServer({ ...trust(identity), requestCert: true });
  const sockets = new Set<TLSSocket>();
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    let next = 0;
    socket.on('error', () => undefined);
    socket.on('data', () => {
      // OPEN, ASK and WANT each set off one frame; the last one sets off all that are left.
      const upTo = next >= 2 ? frames.length : next + 1;
      for (const frame of frames.slice(next, upTo)) socket.write(frame);
      next = upTo;
    });
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
