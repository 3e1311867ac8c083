import type { Command } from 'commander';
import type { System } from './system.ts';
import { addVmActions, addVmLs } from './vm-act.ts';
import { addVmMigrate } from './vm-migrate.ts';
import { addVmRestore } from './vm-restore.ts';
import { addVmSnapshot } from './vm-snapshot.ts';

/** Declares `vm` and its commands. */
export function addVm(program: Command, system: System): void {
  const vm = program
    .command('vm')
    .summary('machines of jobs: pause, suspend, snapshot, migrate, restore')
    .description('Works on the machines of jobs: see docs/vmdeploy.md.');
  for (const add of [addVmLs, addVmActions, addVmSnapshot, addVmRestore, addVmMigrate]) {
    add(vm, system);
  }
  for (const own of vm.commands) {
    own.exitOverride().showHelpAfterError(`(try kgetplus vm ${own.name()} --help)`);
  }
}
