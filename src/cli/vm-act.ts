import type { Command } from 'commander';
import { toFailure } from '../base/error.ts';
import { formatSize } from '../base/units.ts';
import type { SeenVm } from '../job/run/survey.ts';
import { tableLines, type Column } from '../report/table.ts';
import { EXIT, exitCodeOfError } from './exit-code.ts';
import type { System } from './system.ts';
import { addVmTarget, findVms, type VmTargetOptions } from './vm-target.ts';

/** What is done to machines one by one. */
type Action = 'pause' | 'resume' | 'suspend' | 'shutdown' | 'remove';

interface ActionWords {
  readonly summary: string;
  readonly about: string;
  /** Behind the machine's name, when it is done. */
  readonly done: string;
}

const ACTIONS: Readonly<Record<Action, ActionWords>> = {
  pause: {
    summary: 'stop the processors of machines',
    about: 'Stops the processors of machines; they stay in memory.',
    done: 'paused',
  },
  resume: {
    summary: 'let machines go on that were paused, suspended or restored',
    about: 'Lets machines go on where they were.',
    done: 'goes on',
  },
  suspend: {
    summary: "save machines to their nodes' disks, and free their memory",
    about: "Saves memory and devices of machines to their nodes' disks, and ends their processes.",
    done: 'suspended',
  },
  shutdown: {
    summary: 'have guests shut down',
    about: 'Asks guests to shut down, and ends the machines of those that do not within a minute.',
    done: 'shut down',
  },
  remove: {
    summary: 'remove machines with their disks',
    about: 'Ends machines at once, and removes them with all that they have written.',
    done: 'removed',
  },
};

/** A guest's memory goes to a disk, or comes from there. */
const ACTION_LIMIT_MS = 10 * 60_000;

/** How long a guest may take to shut down. */
const SHUTDOWN_LIMIT_MS = 60_000;

/** Declares the commands that do something to machines one by one. */
export function addVmActions(vm: Command, system: System): void {
  for (const action of Object.keys(ACTIONS) as Action[]) {
    const { summary, about } = ACTIONS[action];
    const command = addVmTarget(vm.command(action).summary(summary).description(about));
    command.action(async (text: string, options: VmTargetOptions) => {
      await using target = await findVms(text, options, system);
      system.setExitCode(await actOn(action, target.vms, system));
    });
  }
}

/** Declares `vm ls`. */
export function addVmLs(vm: Command, system: System): void {
  const command = vm
    .command('ls')
    .summary('list machines as their nodes have them')
    .description('Asks nodes what machines they have, and lists them.');
  addVmTarget(command)
    .option('--json', 'print the list as JSON', false)
    .action(async (text: string, options: VmTargetOptions & { readonly json: boolean }) => {
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
        const terms = { limitMs: ACTION_LIMIT_MS, signal };
        if (action === 'shutdown') {
          await host.caller.call(action, { vm: name, limitMs: SHUTDOWN_LIMIT_MS }, terms);
        } else await host.caller.call(action, { vm: name }, terms);
        stdout.write(`${name} ${ACTIONS[action].done} on ${host.node}\n`);
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
