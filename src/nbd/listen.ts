import { once } from 'node:events';
import { lstat, unlink } from 'node:fs/promises';
import { connect, type AddressInfo, type Server } from 'node:net';
import { KgetError, systemCode } from '../base/error.ts';
import { MAX_SOCKET_PATH_BYTES } from './limits.ts';

/** Where a server is to be found; port 0 is a free one. */
export type NbdAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

/**
 * Makes a server listen, in place of one that has died and left its socket behind. A Unix socket
 * lets in whom the umask lets write to it.
 * @throws KgetError `usage` for a path that is too long; `unreachable` if the address cannot be had
 */
export async function listen(server: Server, address: NbdAddress): Promise<NbdAddress> {
  if (address.kind === 'tcp') {
    await tryListen(server, address);
    const { port } = server.address() as AddressInfo;
    return { ...address, port };
  }
  const pathBytes = Buffer.byteLength(address.path);
  if (pathBytes > MAX_SOCKET_PATH_BYTES) {
    throw new KgetError(
      'usage',
      `Cannot listen on ${address.path}: the path has ${pathBytes} B, at most ` +
        `${MAX_SOCKET_PATH_BYTES} B are possible`,
    );
  }
  if (await isLeftBehind(address.path)) await unlink(address.path);
  await tryListen(server, address);
  return address;
}

async function tryListen(server: Server, address: NbdAddress): Promise<void> {
  try {
    if (address.kind === 'unix') server.listen(address.path);
    else server.listen(address.port, address.host);
    await once(server, 'listening');
  } catch (cause) {
    const name = address.kind === 'unix' ? address.path : `${address.host} port ${address.port}`;
    const reason = systemCode(cause) ?? String(cause);
    throw new KgetError('unreachable', `Cannot listen on ${name}: ${reason}`, { cause });
  }
}

/** Whether a path is a socket that nobody listens on. */
async function isLeftBehind(path: string): Promise<boolean> {
  const entry = await lstat(path).catch(() => undefined);
  if (entry?.isSocket() !== true) return false;
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.once('error', (error) => resolve(systemCode(error) === 'ECONNREFUSED'));
  });
}
