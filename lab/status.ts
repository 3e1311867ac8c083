import { namespacesOf } from './layout.ts';
import type { LabState } from './layout.ts';
import { isRunning, processesIn } from './processes.ts';

/** A lab in one line. */
export function describeLab(lab: LabState): string {
  const processes = processesIn(namespacesOf(lab)).length;
  return (
    `${lab.name}: ${lab.nodes.length} nodes at ${lab.rate}${racksOf(lab)}, ` +
    `frontend at ${lab.frontendRate}, ` +
    `${processes} processes, since ${lab.createdAt}, ${ownerOf(lab)}`
  );
}

/** Whether a running process owns a lab. */
export function isOwned(lab: LabState): boolean {
  return lab.ownerPid !== null && isRunning(lab.ownerPid);
}

/** Who keeps a lab, in words. */
export function ownerOf(lab: LabState): string {
  if (lab.ownerPid === null) return 'kept until it is taken down';
  if (isOwned(lab)) return `in use by process ${lab.ownerPid}`;
  return `stale: its owner, process ${lab.ownerPid}, is gone`;
}

/** Racks and their uplinks, in words; nothing without racks. */
function racksOf(lab: LabState): string {
  const { length } = lab.racks;
  if (length === 0) return '';
  return ` in ${length} ${length === 1 ? 'rack' : 'racks'}, uplinks at ${lab.racks[0]?.uplinkRate}`;
}
