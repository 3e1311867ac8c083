import { formatSeconds } from '../base/units.ts';
import type { ShownJob, ShownVm } from './job-listing.ts';
import { countWords, sizeWords } from './store-words.ts';
import { type Column, tableLines } from './table.ts';

const LINE_WIDTH = 160;
const NAME_WIDTH = 30;
/** Machines that a terminal shows, the failed ones first; `--json` has all. */
const MAX_MACHINES = 200;

const MACHINE_COLUMNS: readonly Column[] = [
  { title: 'VM', align: 'right' },
  { title: 'Node', align: 'left', maxWidth: NAME_WIDTH },
  { title: 'State', align: 'left' },
  { title: 'Exit', align: 'right' },
  { title: 'Ran', align: 'right' },
  { title: 'Outputs', align: 'right' },
  { title: 'Paused', align: 'left' },
  { title: '', align: 'left' },
];

/** A line for each machine of a job. */
export function machineLines({ job, machines }: ShownJob): string[] {
  const failed = machines.filter(hasFailed);
  const isMany = machines.length > MAX_MACHINES;
  const order = isMany ? [...failed, ...machines.filter((vm) => !hasFailed(vm))] : machines;
  const shown = order.slice(0, MAX_MACHINES);
  const rows = shown.map((vm) => [
    vm.vm.slice(job.length + 1),
    vm.node,
    vm.state,
    vm.exitStatus === null ? '–' : String(vm.exitStatus),
    ranWords(vm),
    sizeWords(vm.outputBytes),
    vm.pausesMs.map((pauseMs) => `${pauseMs.toFixed(0)} ms`).join(', '),
    remarksOn(vm).join('; '),
  ]);
  const more = machines.length - shown.length;
  const rest = more > 0 ? [`… and ${countWords(more, 'more machine')}: --json has all`] : [];
  return [...tableLines(MACHINE_COLUMNS, rows, LINE_WIDTH), ...rest];
}

export function hasFailed({ failure, exitStatus }: ShownVm): boolean {
  return failure !== null || (exitStatus ?? 0) !== 0;
}

function ranWords({ runningAt, endedAt }: ShownVm): string {
  if (runningAt === null || endedAt === null) return '–';
  return formatSeconds(Math.max(0, Date.parse(endedAt) - Date.parse(runningAt)) / 1000);
}

function remarksOn({ failure, moves, outputBytes, outputsDirectory }: ShownVm): string[] {
  const said = failure === null ? [] : [failure.reason.replaceAll('-', ' '), failure.detail];
  return [
    ...(failure === null ? [] : [said.filter((words) => words !== '').join(': ')]),
    ...moves.map(moveWords),
    ...(outputBytes !== null && outputsDirectory === null ? ['outputs not here yet'] : []),
  ];
}

function moveWords({ from, downtimeMs }: ShownVm['moves'][number]): string {
  const down = downtimeMs === null ? '' : `, ${downtimeMs.toFixed(0)} ms down`;
  return `moved here from ${from}${down}`;
}
