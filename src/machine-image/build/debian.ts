import { existsSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { KgetError } from '../../base/error.ts';
import type { RecipeSource } from './recipe.ts';
import { runProgram, type ProgramContext } from './run-program.ts';

const BUILD_LIMIT_MS = 3_600_000;

/** What a guest needs to boot, to be frozen, and to power off on request. */
const ALWAYS = ['systemd-sysv', 'udev', 'dbus', 'libpam-systemd', 'qemu-guest-agent'];

const DEBIAN_ARCH = { x86_64: 'amd64', aarch64: 'arm64' } as const;

export interface DebianOptions {
  readonly debian: Extract<RecipeSource, { debian: unknown }>['debian'];
  readonly arch: 'x86_64' | 'aarch64';
  readonly run: readonly string[];
  /** A tar archive is written there. */
  readonly target: string;
  readonly temporaryDirectory: string;
  /** Seconds since 1970. */
  readonly epoch: number;
}

/**
 * Installs Debian's packages with mmdebstrap into a tar archive.
 * @throws KgetError `usage` if a program is missing or a package is not there
 */
export async function debianTree(context: ProgramContext, options: DebianOptions): Promise<void> {
  const { debian, target } = options;
  const packages = [...new Set([...ALWAYS, ...debian.packages])];
  const mirror = debian.mirror === undefined ? [] : [debian.mirror];
  await runProgram(context, {
    purpose: `install Debian ${debian.suite}`,
    words: [
      'mmdebstrap',
      `--mode=${privilegeMode(context.environment)}`,
      '--variant=minbase',
      '--format=tar',
      `--architectures=${DEBIAN_ARCH[options.arch]}`,
      `--components=${debian.components.join(',')}`,
      `--include=${packages.join(',')}`,
      ...options.run.map((command) => `--customize-hook=chroot "$1" /bin/sh -c ${quoted(command)}`),
      '--',
      debian.suite,
      target,
      ...mirror,
    ],
    package: 'mmdebstrap',
    limitMs: BUILD_LIMIT_MS,
    environment: {
      SOURCE_DATE_EPOCH: String(options.epoch),
      TMPDIR: options.temporaryDirectory,
    },
  });
}

/**
 * How mmdebstrap becomes something like root: as an ordinary user in a name space, which needs
 * subordinate ids, else by fakechroot.
 */
function privilegeMode(environment: ProgramContext['environment']): string {
  const { uid, username } = userInfo();
  if (uid === 0) return 'root';
  const has = (program: string): boolean =>
    (environment['PATH'] ?? '').split(delimiter).some((it) => existsSync(join(it, program)));
  const isMapped = ['/etc/subuid', '/etc/subgid'].every((file) =>
    readLines(file).some((line) => line.startsWith(`${username}:`) || line.startsWith(`${uid}:`)),
  );
  if (isMapped && has('newuidmap')) return 'unshare';
  if (has('fakechroot') && has('fakeroot')) return 'fakechroot';
  throw new KgetError(
    'usage',
    `Cannot install Debian as user ${username}: neither subordinate ids with newuidmap ` +
      `(Debian: uidmap; a line for ${username} in /etc/subuid and /etc/subgid) nor fakechroot and ` +
      'fakeroot found; install one of them, or build as root',
  );
}

function readLines(file: string): readonly string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
}

/** For a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
