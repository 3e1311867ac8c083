import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const SFTP_SERVERS = ['/usr/lib/openssh/sftp-server', '/usr/libexec/openssh/sftp-server'];
const SSHD = '/usr/sbin/sshd';
const START_TRIES = 100;

/** An sshd of our own on the loopback, with keys that nobody else has. */
export interface PrivateSshd {
  readonly pid: number;
  readonly port: number;
  /** Arguments for scp and ssh. */
  readonly clientOptions: readonly string[];
  stop(): void;
}

/** What is missing for the comparison; undefined if nothing is. */
export function missingForScp(): string | undefined {
  const found = existsSync(SSHD) && SFTP_SERVERS.some((path) => existsSync(path));
  return found ? undefined : 'sshd is missing: install openssh-server and openssh-client';
}

export async function startSshd(directory: string): Promise<PrivateSshd> {
  const port = await freePort();
  const key = join(directory, 'user_key');
  const hostKey = join(directory, 'host_key');
  for (const path of [key, hostKey]) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path]);
  }
  copyFileSync(`${key}.pub`, join(directory, 'authorized_keys'));
  const config = join(directory, 'sshd_config');
  writeFileSync(config, configuration(directory, hostKey));
  // sshd insists on this directory when root starts it.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
  const address = ['-o', `Port=${port}`, '-o', 'ListenAddress=127.0.0.1'];
  const sshd = spawn(SSHD, ['-D', '-e', '-f', config, ...address], { stdio: 'ignore' });
  if (sshd.pid === undefined) throw new Error(`cannot start ${SSHD}`);
  await listens(port);
  const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR'];
  return {
    pid: sshd.pid,
    port,
    clientOptions: ['-F', 'none', '-i', key, ...options.flatMap((option) => ['-o', option])],
    stop: () => void sshd.kill(),
  };
}

function configuration(directory: string, hostKey: string): string {
  const sftp = SFTP_SERVERS.find((path) => existsSync(path));
  return [
    `HostKey ${hostKey}`,
    `AuthorizedKeysFile ${join(directory, 'authorized_keys')}`,
    'StrictModes no',
    'UsePAM no',
    'PidFile none',
    'PermitRootLogin yes',
    `AllowUsers ${userInfo().username}`,
    `Subsystem sftp ${sftp}`,
    '',
  ].join('\n');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => {
    server.once('listening', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}

async function listens(port: number): Promise<void> {
  for (let tries = 0; tries < START_TRIES; tries += 1) {
    const isUp = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (isUp) return;
    await sleep(50);
  }
  throw new Error(`sshd does not listen on port ${port}`);
}
