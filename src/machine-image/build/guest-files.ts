import { GUEST_AGENT_SCRIPT } from './guest-agent.ts';
import {
  AGENT_UNIT,
  BOOT_SCRIPT,
  DHCP,
  INITTAB,
  JOB_RUNNER_UNIT,
  NETWORK_UNIT,
  POWER_BUTTON,
  POWER_BUTTON_SCRIPT,
  POWER_OFF_SCRIPT,
  START_SCRIPT,
} from './guest-start.ts';
import { JOB_RUNNER } from './job-runner.ts';
import {
  GUEST_AGENT,
  GUEST_BUSYBOX,
  GUEST_DIRECTORY,
  GUEST_JOB_RUNNER,
  GUEST_POWER_OFF,
  GUEST_RECIPE,
  GUEST_START,
} from './places.ts';

/**
 * What becomes process 1: `systemd`; an `own` one of another kind at /sbin/init; or `none` is there,
 * as in the file system of a container: then busybox's, with our inittab.
 */
export type InitKind = 'systemd' | 'own' | 'none';

/** A file, directory or symbolic link of the guest, owned by root; `path` is absolute. */
export type GuestFile =
  | { readonly kind: 'text'; readonly path: string; readonly text: string; readonly mode: number }
  /** Copied from a file here. */
  | { readonly kind: 'copy'; readonly path: string; readonly from: string; readonly mode: number }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }
  | { readonly kind: 'directory'; readonly path: string; readonly mode: number };

const UNITS = '/usr/lib/systemd/system';
const WANTED = '/etc/systemd/system/multi-user.target.wants';

/** What initramfs hands over to. */
export function initPath(init: InitKind): string {
  switch (init) {
    case 'systemd':
      return '/sbin/init';
    case 'own':
      return GUEST_START;
    case 'none':
      return `${GUEST_DIRECTORY}/init`;
  }
}

/** What is put into a guest so that jobs run in it, it can be frozen, and powers off on request. */
export function guestFiles(options: {
  readonly init: InitKind;
  /** The file of a static one. */
  readonly busybox: string;
  readonly recipeText: string;
}): readonly GuestFile[] {
  const { init, busybox, recipeText } = options;
  const common: readonly GuestFile[] = [
    ...['/dev', '/proc', '/sys', '/run', '/job', '/root'].map(directory),
    { kind: 'directory', path: '/tmp', mode: 0o1777 },
    { kind: 'copy', path: GUEST_BUSYBOX, from: busybox, mode: 0o755 },
    script(GUEST_JOB_RUNNER, JOB_RUNNER),
    script(GUEST_AGENT, GUEST_AGENT_SCRIPT),
    script(GUEST_POWER_OFF, POWER_OFF_SCRIPT),
    { kind: 'text', path: GUEST_RECIPE, text: recipeText, mode: 0o644 },
  ];
  switch (init) {
    case 'systemd':
      return [...common, ...systemdFiles()];
    case 'own':
      return [...common, script(GUEST_START, START_SCRIPT)];
    case 'none':
      return [
        ...common,
        { kind: 'link', path: initPath('none'), target: GUEST_BUSYBOX },
        { kind: 'text', path: '/etc/inittab', text: INITTAB, mode: 0o644 },
        script(`${GUEST_DIRECTORY}/boot`, BOOT_SCRIPT),
        script(`${GUEST_DIRECTORY}/dhcp`, DHCP),
        script(POWER_BUTTON, POWER_BUTTON_SCRIPT),
      ];
  }
}

/** A guest of busybox alone: its applets, and what programs look for in /etc. */
export function busyboxFiles(applets: readonly string[]): readonly GuestFile[] {
  return [
    ...['/bin', '/sbin', '/usr/bin', '/usr/sbin', '/var/tmp', '/mnt'].map(directory),
    ...applets.map((name): GuestFile => ({
      kind: 'link',
      path: `/bin/${name}`,
      target: GUEST_BUSYBOX,
    })),
    { kind: 'text', path: '/etc/passwd', text: 'root:x:0:0:root:/root:/bin/sh\n', mode: 0o644 },
    { kind: 'text', path: '/etc/group', text: 'root:x:0:\n', mode: 0o644 },
    { kind: 'text', path: '/etc/hosts', text: '127.0.0.1 localhost\n', mode: 0o644 },
  ];
}

function systemdFiles(): readonly GuestFile[] {
  const units = [
    ['kgetplus-job.service', JOB_RUNNER_UNIT],
    ['kgetplus-agent.service', AGENT_UNIT],
  ] as const;
  return [
    ...units.flatMap(([name, text]): readonly GuestFile[] => [
      { kind: 'text', path: `${UNITS}/${name}`, text, mode: 0o644 },
      { kind: 'link', path: `${WANTED}/${name}`, target: `${UNITS}/${name}` },
    ]),
    {
      kind: 'link',
      path: `${WANTED}/systemd-networkd.service`,
      target: `${UNITS}/systemd-networkd.service`,
    },
    {
      kind: 'text',
      path: '/etc/systemd/network/80-kgetplus.network',
      text: NETWORK_UNIT,
      mode: 0o644,
    },
  ];
}

function directory(path: string): GuestFile {
  return { kind: 'directory', path, mode: 0o755 };
}

function script(path: string, text: string): GuestFile {
  return { kind: 'text', path, text, mode: 0o755 };
}
