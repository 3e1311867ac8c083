import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { getuid } from 'node:process';
import { createInterface } from 'node:readline';

const SSHD = '/usr/sbin/sshd';
const SSH_KEYGEN = '/usr/bin/ssh-keygen';

/** Why no private sshd can be run here, or false if one can. */
export function noSshd(): string | false {
  if (!existsSync(SSHD)) return `no ${SSHD} here`;
  return getuid?.() === 0 ? false : 'sshd needs root for its privilege separation';
}

export interface PrivateSshd {
  /** An ssh that may log in, and knows the host. */
  readonly command: readonly string[];
  stop(): void;
}

/**
 * A sshd on a free port of the loopback, with keys of its own and sessions that cache in
 * `directory`.
 */
export async function privateSshd(directory: string): Promise<PrivateSshd> {
  mkdirSync('/run/sshd', { recursive: true });
  const port = await freePort();
  for (const name of ['host-key', 'user-key']) {
    execFileSync(SSH_KEYGEN, ['-q', '-t', 'ed25519', '-N', '', '-f', join(directory, name)]);
  }
  const config = join(directory, 'sshd_config');
  writeFileSync(
    config,
    [
      'ListenAddress 127.0.0.1',
      `Port ${port}`,
      `HostKey ${directory}/host-key`,
      `AuthorizedKeysFile ${directory}/user-key.pub`,
      `PidFile none`,
      'PermitRootLogin prohibit-password',
      'StrictModes no',
      'UsePAM no',
      `SetEnv XDG_CACHE_HOME=${directory}/cache`,
    ].join('\n'),
  );
  const daemon = spawn(SSHD, ['-D', '-e', '-f', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  for await (const line of createInterface({ input: daemon.stderr })) {
    if (line.includes('Server listening')) break;
  }
  daemon.stderr.resume();
  const options = [
    `-p${port}`,
    `-i${directory}/user-key`,
    '-oStrictHostKeyChecking=accept-new',
    `-oUserKnownHostsFile=${directory}/known-hosts`,
    '-oIdentitiesOnly=yes',
    '-oLogLevel=ERROR',
  ];
  return { command: ['ssh', '-F', 'none', ...options], stop: () => daemon.kill() };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}
