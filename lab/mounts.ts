import { mkdir, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { filesOf, hostsOf, LABNODE } from './layout.ts';
import type { LabHost, LabState } from './layout.ts';
import { allDone } from './tools.ts';

/** How often making or removing the shared mount point is tried against labs that do the other. */
const CLAIM_TRIES = 20;

/**
 * What runs before every command on a host, in the mount namespace that `ip netns exec` makes:
 * gives it the host's name, `/labnode` with what is mounted below it, `/run` (sshd wants a
 * `/run/sshd`), and the lab's `/etc/hosts`.
 */
const ENTER_SCRIPT = `# enter.sh HOST COMMAND...
set -e
lab=\${0%/*}
host=$1
shift
echo "$host" >/proc/sys/kernel/hostname
mount --rbind "$lab/hosts/$host/labnode" ${LABNODE}
mount --bind "$lab/hosts/$host/run" /run
mount --bind "$lab/host-names" /etc/hosts
cd ${LABNODE}
exec "$@"
`;

/** The command line that runs `argv` on a host. */
export function enterCommand(
  state: LabState,
  host: LabHost,
  argv: readonly string[],
): readonly [string, ...string[]] {
  const inNamespace = ['netns', 'exec', host.namespace, 'unshare', '--uts'];
  return ['ip', ...inNamespace, 'sh', filesOf(state).enter, host.name, ...argv];
}

/** What is private to a host by its environment: all hosts share the machine's file systems. */
export function hostEnvironment(): Record<string, string> {
  return {
    HOME: `${LABNODE}/home`,
    XDG_CACHE_HOME: `${LABNODE}/home/.cache`,
    XDG_STATE_HOME: `${LABNODE}/home/.local/state`,
    TMPDIR: `${LABNODE}/tmp`,
  };
}

/** Makes the hosts' directories, the mount point and what `enterCommand` needs. */
export async function prepareMounts(state: LabState): Promise<void> {
  const files = filesOf(state);
  await allDone(
    hostsOf(state).flatMap((host) => [
      mkdir(join(host.labnode, 'home/.cache'), { recursive: true }),
      mkdir(join(host.labnode, 'tmp'), { recursive: true }),
      mkdir(join(host.run, 'sshd'), { recursive: true, mode: 0o755 }),
    ]),
  );
  const names = hostsOf(state).map((host) => `${host.address} ${host.name}\n`);
  await writeFile(files.hostNames, `127.0.0.1 localhost\n${names.join('')}`);
  await writeFile(files.enter, ENTER_SCRIPT);
  await claimMountPoint(state);
}

/**
 * Removes the claim on the mount point, and the mount point if no other lab has a claim. What is
 * mounted over elsewhere must not go, and `rmdir` would let it: the claims inside prevent that.
 */
export async function releaseMountPoint(state: LabState): Promise<void> {
  for (const path of [state.mountClaim, LABNODE]) {
    try {
      await rmdir(path);
    } catch (error) {
      if (!isSystemError(error, ['ENOENT', 'ENOTEMPTY', 'EEXIST'])) throw error;
    }
  }
}

async function claimMountPoint(state: LabState): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await mkdir(state.mountClaim, { recursive: true });
      return;
    } catch (error) {
      // Another lab removed the mount point between our two steps.
      if (tries === CLAIM_TRIES || !isSystemError(error, ['ENOENT'])) throw error;
    }
  }
}

/** Whether an error is one of the operating system's, by its codes. */
export function isSystemError(error: unknown, codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}
