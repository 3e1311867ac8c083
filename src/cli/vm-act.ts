import type { Command } from 'commander';
import { toFailure } from '../base/error.ts';
import { formatSize } from '../base/units.ts';
import type { SeenVm } from '../job/run/survey.ts';
import { tableLines, type Column } from '../report/table.ts';
import { EXIT, exitCodeOfError } from './exit-code.ts';
import { addStoreOption, type StoreOption } from './store-option.ts';
import type { System } from './system.ts';
import { findVms } from './vm-target.ts';

/** What is done to machines one by one. */
type Action = 'pause' | 'resume' | 'suspend';

const ACTIONS: Readonly<Record<Action, { readonly summary: string; readonly about: string }>> = {
  pause: {
    summary: 'stop the processors of machines',
    about: 'Stops the processors of machines; they stay in memory.',
  },
  resume: {
    summary: 'let machines go on that were paused, suspended or restored',
    about: 'Lets machines go on where they were.',
  },
  suspend: {
    summary: "save machines to their nodes' disks, and free their memory",
    about: "Saves memory and devices of machines to their nodes' disks, and ends their processes.",
  },
};

/** A guest's memory goes to a disk, or comes from there. */
const ACTION_LIMIT_MS = 10 * 60_000;

/** Declares `vm pause`, `vm resume` and `vm suspend`. */
export function addVmActions(vm: Command, system: System): void {
  for (const action of ['pause', 'resume', 'suspend'] as const) {
    const { summary, about } = ACTIONS[action];
    const command = vm
      .command(action)
      .summary(summary)
      .description(about)
      .argument('<job[.n]>', 'a job, for all its machines, or one of them');
    addStoreOption(command).action(async (text: string, options: StoreOption) => {
      await using target = await findVms(text, options, system);
      system.setExitCode(await actOn(action, target.vms, system));
    });
  }
}

/** Declares `vm ls`. */
export function addVmLs(vm: Command, system: System): void {
  const command = vm
    .command('ls')
    .summary('list the machines of a job as their nodes have them')
    .description('Asks the nodes of a job what machines of it they have, and lists them.')
    .argument('<job[.n]>', 'a job, or one of its machines');
  addStoreOption(command)
    .option('--json', 'print the list as JSON', false)
    .action(async (text: string, options: StoreOption & { readonly json: boolean }) => {
      await using target = await findVms(text, options, system);
      system.stdout.write(options.json ? jsonOf(target.vms) : tableOf(target.vms));
    });
}

async function actOn(
  action: Action,
  vms: readonly SeenVm[],
  { stdout, stderr, interrupt: signal }: System,
): Promise<number> {
  const codes = await Promise.all(
    vms.map(async ({ found: { name }, host }): Promise<number> => {
      try {
        await host.caller.call(action, { vm: name }, { limitMs: ACTION_LIMIT_MS, signal });
        stdout.write(`${name} ${DONE[action]} on ${host.node}\n`);
        return EXIT.ok;
      } catch (error) {
        stderr.write(`kgetplus: ${name} on ${host.node}: ${toFailure(error).message}\n`);
        return exitCodeOfError(error);
      }
    }),
  );
  const failed = codes.filter((code) => code !== EXIT.ok);
  const [first] = failed;
  if (first === undefined) return EXIT.ok;
  return failed.length < vms.length ? EXIT.someMissing : first;
}

const DONE: Readonly<Record<Action, string>> = {
  pause: 'paused',
  resume: 'goes on',
  suspend: 'suspended',
};

const COLUMNS: readonly Column[] = [
  { title: 'machine', align: 'left' },
  { title: 'node', align: 'left' },
  { title: 'state', align: 'left' },
  { title: 'memory', align: 'right' },
  { title: 'its runner said', align: 'left' },
];

function jsonOf(vms: readonly SeenVm[]): string {
  const rows = vms.map(({ found, host }) => ({ ...found, node: host.node }));
  return `${JSON.stringify({ schema: 'kgetplus.vms/1', vms: rows }, undefined, 2)}\n`;
}

function tableOf(vms: readonly SeenVm[]): string {
  const rows = vms.map(({ found: { name, state, memoryBytes, events }, host }) => [
    name,
    host.node,
    state,
    formatSize(memoryBytes),
    events.at(-1) ?? '',
  ]);
  return `${tableLines(COLUMNS, rows).join('\n')}\n`;
}
