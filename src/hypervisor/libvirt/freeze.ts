import { type ChildProcess, spawn } from 'node:child_process';
import { KgetError } from '../../base/error.ts';
import type { Hypervisor } from '../hypervisor.ts';
import type { DriverContext } from './context.ts';

/** For virsh beyond what the guest's agent may take. */
const VIRSH_EXTRA_MS = 30_000;

/** What libvirt says when there is no agent, or it does not answer. */
const NO_AGENT = /guest agent/i;

/** Thaws after a time: SECONDS COMMAND... */
const WATCH = 'sleep "$0"; exec "$@"';

export interface Freezer extends Pick<Hypervisor, 'freeze' | 'thaw'> {
  /** Ends what waits for the end of the machine's hold. */
  forget(name: string): void;
}

/**
 * Freezing through the guest's agent; libvirt's limit for its answer is in whole seconds. A process
 * of its own waits for the end of the hold and thaws, so that no guest stays frozen when this
 * process is killed meanwhile.
 */
export function freezer({ virsh, domains }: DriverContext): Freezer {
  const watches = new Map<string, ChildProcess>();

  function watch(name: string, holdMs: number): void {
    forget(name);
    const words = ['-c', WATCH, String(holdMs / 1000), ...virsh.command(['domfsthaw', name])];
    const child = spawn('sh', words, { detached: true, stdio: 'ignore' });
    child.unref();
    watches.set(name, child);
    child.on('error', () => undefined);
    child.on('exit', () => {
      if (watches.get(name) === child) watches.delete(name);
    });
  }

  /** Whether there was one. */
  function forget(name: string): boolean {
    const pid = watches.get(name)?.pid;
    if (pid === undefined) return false;
    try {
      // Its group: the shell, and what it waits for.
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It has just ended.
    }
    return watches.delete(name);
  }

  return {
    forget,
    async freeze(name, { limitMs, holdMs, onAsked }) {
      await domains.expect(name, ['running'], 'freeze');
      const seconds = String(Math.max(1, Math.ceil(limitMs / 1000)));
      await virsh.run(['guest-agent-timeout', name, '--timeout', seconds]);
      // Before the guest is asked: it may freeze, and the answer may not come.
      watch(name, holdMs);
      onAsked?.();
      const answer = await virsh.attempt(['domfsfreeze', name], limitMs + VIRSH_EXTRA_MS);
      if (answer.done) return true;
      if (/not connected|not configured/.test(answer.complaint)) forget(name);
      if (NO_AGENT.test(answer.complaint)) return false;
      throw new KgetError('internal', `Cannot freeze machine "${name}": ${answer.complaint}`);
    },
    async thaw(name) {
      const wasHeld = watches.has(name);
      const answer = await virsh.attempt(['domfsthaw', name]);
      // If it did not work, it is tried again when the hold ends.
      if (answer.done || !wasHeld) return void forget(name);
      const { state } = await domains.look(name);
      if (state !== 'running') return;
      const found = answer.complaint;
      throw new KgetError('timeout', `Cannot thaw machine "${name}": libvirt says: ${found}`);
    },
  };
}
