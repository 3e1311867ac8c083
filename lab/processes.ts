import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Killed processes need a moment to go; one that stays this long hangs in the kernel. */
const KILL_ROUNDS = 250;
const KILL_PAUSE_MS = 20;

/** Where ip-netns(8) keeps the named namespaces. */
const NAMESPACES = '/run/netns';

/** Those of the named network namespaces that exist. */
export function existingNamespaces(names: readonly string[]): readonly string[] {
  return names.filter((name) => inodeOf(name) !== undefined);
}

/** The processes that run in the named namespaces, in one pass over all (`ip netns pids`). */
export function processesIn(namespaces: readonly string[]): readonly number[] {
  const wanted = new Set(
    namespaces
      .map(inodeOf)
      .filter((inode) => inode !== undefined)
      .map((inode) => `net:[${inode}]`),
  );
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => wanted.has(networkOf(pid)));
}

/** Kills the processes in the namespaces, or those with a wanted name, and waits for their end. */
export async function killProcesses(
  namespaces: readonly string[],
  isWanted: (command: string) => boolean = () => true,
): Promise<void> {
  for (let round = 0; round < KILL_ROUNDS; round += 1) {
    const left = processesIn(namespaces).filter((pid) => isWanted(commandOf(pid)));
    if (left.length === 0) return;
    for (const pid of left) kill(pid);
    await sleep(KILL_PAUSE_MS);
  }
  const left = processesIn(namespaces).join(', ');
  throw new Error(
    `Processes ${left} of the lab still run after SIGKILL: free them, then try again`,
  );
}

/** Whether a process with this id runs. */
export function isRunning(pid: number): boolean {
  return commandOf(pid) !== '';
}

function inodeOf(namespace: string): number | undefined {
  return statSync(`${NAMESPACES}/${namespace}`, { throwIfNoEntry: false })?.ino;
}

/** The network namespace of a process, or nothing if it is gone (a zombie has none either). */
function networkOf(pid: number): string {
  return readOr(() => readlinkSync(`/proc/${pid}/ns/net`));
}

function commandOf(pid: number): string {
  return readOr(() => readFileSync(`/proc/${pid}/comm`, 'utf8').trim());
}

function readOr(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}
