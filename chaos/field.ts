import { chmodSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import type { Lab } from '../lab/lab.ts';
import type { LabHost } from '../lab/layout.ts';
import { processesIn } from '../lab/processes.ts';

/** Which processes of a gather: by what their command lines have in them. */
const COORDINATOR = /dist\/kgetplus\.mjs/;
const RECEIVER = /dist\/agent\.cjs/;
const AGENT = /\/agent-[0-9a-f]{64}\.cjs/;
const SESSION = /^sshd(?!.*\[listener\])/;

/** Whose process: a node's agent or sshd sessions, the frontend's agent, or the command. */
export type Role = 'agent' | 'session' | 'receiver' | 'coordinator';

const ROLES: Readonly<Record<Role, RegExp>> = {
  agent: AGENT,
  session: SESSION,
  receiver: RECEIVER,
  coordinator: COORDINATOR,
};

/** The processes of a role on a host. */
export function processesOf(host: LabHost, role: Role): readonly number[] {
  return processesIn([host.namespace]).filter((pid) => ROLES[role].test(commandLine(pid)));
}

/** Processes of all hosts that are not the lab's: `HOST PID COMMAND`. */
export function strayProcesses(lab: Lab): readonly string[] {
  return [lab.frontend, ...lab.nodes].flatMap((host) =>
    processesIn([host.namespace])
      .map((pid) => ({ pid, command: commandLine(pid) }))
      // sshd finds out late that a link was cut: its sessions are not ours.
      .filter(({ command }) => command !== '' && !command.startsWith('sshd'))
      .map(({ pid, command }) => `${host.name} ${pid} ${command.slice(0, 200)}`),
  );
}

/** Signals processes; those that are gone do not matter. Returns whether there was any. */
export function signalAll(pids: readonly number[], signal: NodeJS.Signals): boolean {
  const reached = pids.filter((pid) => {
    try {
      return process.kill(pid, signal);
    } catch {
      return false;
    }
  });
  return reached.length > 0;
}

/** Words of a process, with blanks; nothing once it is gone. */
function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}

/** The folder where a node keeps images of others, as the machine sees it. */
export function spoolOf(node: LabHost): string {
  return join(node.labnode, 'home/.cache/kgetplus/spool');
}

/** Brings the hosts back to how they were before the first round; mounts must be gone. */
export async function clearField(lab: Lab, rate: string): Promise<void> {
  const clear = async (host: LabHost): Promise<void> => {
    signalAll(
      processesIn([host.namespace]).filter((pid) => !isListener(pid)),
      'SIGKILL',
    );
    for (const folder of ['images', 'out', 'restored', 'hook-fails', 'hook.log']) {
      rmSync(join(host.labnode, folder), { recursive: true, force: true });
    }
    rmSync(spoolOf(host), { recursive: true, force: true });
    mkdirSync(spoolOf(host), { recursive: true });
    chmodSync(spoolOf(host), 0o700);
    await lab.linkUp(host);
    await lab.setRate(host, rate);
  };
  await Promise.all([lab.frontend, ...lab.nodes].map(clear));
}

function isListener(pid: number): boolean {
  const command = commandLine(pid);
  return command.startsWith('sshd') && !SESSION.test(command);
}
