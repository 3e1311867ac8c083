import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { filesOf, hostsOf } from './layout.ts';
import type { LabHost, LabState } from './layout.ts';
import { enterCommand, hostEnvironment, isSystemError } from './mounts.ts';
import { allDone, findTool, runTool, TOOL_PATH } from './tools.ts';

/** How long an sshd may take until it listens; 64 of them start on two cores. */
const LISTEN_TIMEOUT_MS = 20_000;
const LISTEN_POLL_MS = 10;

/**
 * Makes keys and configuration. All hosts share one host key, which is listed for each of them, so
 * host keys are really checked; nothing of the user's own `~/.ssh` or of `/etc/ssh` is read.
 */
export async function prepareSsh(state: LabState): Promise<void> {
  const files = filesOf(state);
  await allDone([makeKey(files.hostKey, 'host'), makeKey(files.userKey, 'user')]);
  const publicKey = (await readFile(`${files.hostKey}.pub`, 'utf8')).trim();
  const known = hostsOf(state).map(({ name, address }) => `${name},${address} ${publicKey}\n`);
  await allDone([
    writeFile(files.knownHosts, known.join('')),
    writeFile(files.sshdConfig, sshdConfig(state)),
    writeFile(files.sshConfig, sshConfig(state)),
  ]);
}

/** Starts a host's sshd and waits until it listens. @throws Error with what its log says */
export async function startSshd(state: LabState, host: LabHost): Promise<void> {
  const log = join(host.run, 'sshd.log');
  // An sshd wants to be started by its absolute path: it starts itself again for each connection.
  const sshd = [findTool('sshd') ?? '/usr/sbin/sshd', '-f', filesOf(state).sshdConfig];
  const start = async (): Promise<void> => {
    await rm(pidFile(host), { force: true });
    await rm(log, { force: true });
    await runTool(enterCommand(state, host, [...sshd, '-E', '/run/sshd.log']));
  };
  await start();
  const deadline = performance.now() + LISTEN_TIMEOUT_MS;
  while ((await readIfThere(pidFile(host))) === '') {
    const said = await readIfThere(log);
    // One that was killed just now may still have the port.
    if (said.includes('Cannot bind any address')) await start();
    if (performance.now() > deadline) {
      const found = said.trim() || 'its log is empty';
      throw new Error(
        `sshd of ${host.name} does not listen after ${LISTEN_TIMEOUT_MS} ms: ${found}`,
      );
    }
    await sleep(LISTEN_POLL_MS);
  }
}

/** sshd writes its process id only when it listens. */
function pidFile(host: LabHost): string {
  return join(host.run, 'sshd.pid');
}

async function makeKey(path: string, comment: string): Promise<void> {
  await runTool(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', comment, '-f', path]);
  await chmod(path, 0o600);
}

function sshdConfig(state: LabState): string {
  const files = filesOf(state);
  const environment = Object.entries({ ...hostEnvironment(), PATH: TOOL_PATH });
  return `# sshd_config(5) of every host
Port 22
AddressFamily inet
HostKey "${files.hostKey}"
PidFile /run/sshd.pid
AuthorizedKeysFile "${files.userKey}.pub"
# The lab's directory is below a world-writable one.
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
PrintMotd no
PrintLastLog no
# Many sessions start at once.
MaxStartups 1024
MaxSessions 256
LoginGraceTime 60
LogLevel ERROR
Subsystem sftp internal-sftp
SetEnv ${environment.map(([name, value]) => `"${name}=${value}"`).join(' ')}
`;
}

function sshConfig(state: LabState): string {
  const files = filesOf(state);
  const hosts = hostsOf(state).map(({ name, address }) => `Host ${name}\n  HostName ${address}\n`);
  return `# ssh_config(5) for every host of the lab
${hosts.join('')}Host *
  User root
  IdentityFile "${files.userKey}"
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile "${files.knownHosts}"
  GlobalKnownHostsFile none
  StrictHostKeyChecking yes
  UpdateHostKeys no
  BatchMode yes
  ConnectTimeout 30
  LogLevel ERROR
`;
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isSystemError(error, ['ENOENT'])) return '';
    throw error;
  }
}
