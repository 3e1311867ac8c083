import type { Command } from 'commander';
import { KgetError } from '../base/error.ts';
import type { System } from './system.ts';
import { cutAndCollect, tellCut } from './vm-cut.ts';
import { addVmTarget, findVms, type VmTargetOptions } from './vm-target.ts';

const ABOUT = `
All machines are snapshotted at one cut: every guest stands still before the first one goes on. Guests
are frozen where an agent answers in them, so that their file systems are clean; with --memory their
processors stop until memory is saved. They run on while the snapshots are gathered into the store.

The second snapshot of a machine copies only what was written since the first one.

Examples:
  kgetplus vm snapshot latest --store /srv/snapshots
  kgetplus vm snapshot count-2026.2 --memory

Exit status:
  0 all snapshots are in the store; 3 some are; 4 none is`;

interface SnapshotOptions extends VmTargetOptions {
  readonly memory: boolean;
  readonly full: boolean;
  readonly json: boolean;
}

/** Declares `vm snapshot`. */
export function addVmSnapshot(vm: Command, system: System): void {
  const command = vm
    .command('snapshot')
    .summary('snapshot running machines into the store')
    .description('Takes snapshots of machines at one cut, and gathers them into the store.');
  addVmTarget(command)
    .option('--memory', 'with memory: restored, a guest goes on where it was', false)
    .option('--full', 'copy everything, not only what has changed since the last one', false)
    .option('--json', 'print what came of it as JSON', false)
    .addHelpText('after', ABOUT)
    .action(async (text: string, options: SnapshotOptions) => {
      await using target = await findVms(text, options, system);
      const vms = target.vms
        .filter(({ found }) => found.state === 'running' || found.state === 'paused')
        .map(({ found, host }) => ({ vm: found.name, host }));
      if (vms.length === 0) {
        throw new KgetError('usage', `Cannot snapshot ${text}: none of its machines is running`);
      }
      const { memory, full } = options;
      const { store: directory, reach } = target;
      const report = await cutAndCollect({ vms, memory, full, directory, reach }, system);
      system.setExitCode(tellCut(report, options, system));
    });
}
