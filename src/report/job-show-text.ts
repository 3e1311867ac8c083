import { formatSeconds, formatSize } from '../base/units.ts';
import { isLeft, stateWord } from './job-list-text.ts';
import type { ShownCut, ShownJob } from './job-listing.ts';
import { hasFailed, machineLines } from './job-machines-text.ts';
import { visible } from './names.ts';
import { formatDate } from './page.ts';
import { countWords } from './store-words.ts';
import { type Column, tableLines } from './table.ts';

const LINE_WIDTH = 160;
const NAME_WIDTH = 30;
/** Lines of a command that are shown. */
const MAX_COMMAND_LINES = 10;

/** What a terminal shows of one job. */
export function renderJobText(job: ShownJob): string {
  const parts = [
    headLines(job),
    machineLines(job),
    job.snapshots.length > 0 ? snapshotLines(job.snapshots) : [],
    nextSteps(job),
  ];
  const shown = parts.filter((lines) => lines.length > 0);
  return `${shown.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function headLines(job: ShownJob): string[] {
  const { spec, vms, by, deployed } = job;
  const driver = job.driver === null ? '' : `, driven by process ${job.driver}`;
  const limit =
    spec.timeLimitMs === null ? '' : `, ${formatSeconds(spec.timeLimitMs / 1000)} at most`;
  const counts = `${vms.running} running, ${vms.succeeded} done, ${vms.failed} failed`;
  const wireBytes = deployed.reduce((sum, node) => sum + node.wireBytes, 0);
  const seconds = Math.max(...deployed.map((node) => node.seconds));
  const directories = [...new Set(job.machines.flatMap((vm) => vm.outputsDirectory ?? []))];
  const rows: readonly (readonly [string, string | null])[] = [
    ['State', `${stateWord(job)}${driver}`],
    ['Submitted', `${formatDate(job.submittedAt ?? '–')} by ${by.user} on ${by.host}`],
    ['Ended', job.endedAt === null ? null : formatDate(job.endedAt)],
    ['Machines', `${vms.total} on ${job.nodeSet}: ${counts}`],
    ['Each', `${countWords(spec.cpus, 'processor')}, ${formatSize(spec.memoryBytes)}${limit}`],
    ['Image', `${job.image ?? '–'} (${job.imageId.slice(0, 12)}), ${spec.hypervisor}`],
    [
      'Deployed',
      deployed.length === 0
        ? null
        : `on ${countWords(deployed.length, 'node')} after ${formatSeconds(seconds)}, ` +
          `${formatSize(wireBytes)} over the network`,
    ],
    ['Outputs', directories.length === 0 ? null : directories.join(' ')],
    ['Files', job.directory],
  ];
  const lines = rows.flatMap(([title, text]) =>
    text === null ? [] : [`  ${title.padEnd(10)} ${visible(text)}`],
  );
  return [visible(job.job), ...lines, ...commandLines(spec.command)];
}

function commandLines(command: string): string[] {
  const all = command.trimEnd().split('\n');
  const shown = all.slice(0, MAX_COMMAND_LINES).map((line) => `    ${visible(line)}`);
  const more = all.length - shown.length;
  return [
    '  Command',
    ...shown,
    ...(more > 0 ? [`    … and ${countWords(more, 'more line')}`] : []),
  ];
}

const SNAPSHOT_COLUMNS: readonly Column[] = [
  { title: 'Snapshot', align: 'left', maxWidth: NAME_WIDTH },
  { title: 'Taken (UTC)', align: 'left' },
  { title: 'Of', align: 'left' },
  { title: 'VMs', align: 'right' },
  { title: 'Longest pause', align: 'right' },
  { title: 'Copied', align: 'right' },
];

function snapshotLines(cuts: readonly ShownCut[]): string[] {
  const rows = cuts.map(({ run, kind, at, vms }) => {
    const longestMs = vms.reduce((most, { pausedMs }) => Math.max(most, pausedMs), 0);
    const copiedBytes = vms.reduce((sum, vm) => sum + vm.copiedBytes, 0);
    return [
      run ?? 'on the nodes only',
      formatDate(at).replace(/ UTC$/, ''),
      kind === 'memory' ? 'disks and memory' : 'disks',
      String(vms.length),
      `${longestMs.toFixed(0)} ms`,
      formatSize(copiedBytes),
    ];
  });
  return tableLines(SNAPSHOT_COLUMNS, rows, LINE_WIDTH);
}

/** What to do next, if there is something to do. */
function nextSteps(job: ShownJob): string[] {
  const failed = job.machines.find((vm) => hasFailed(vm) && vm.runningAt !== null);
  const run = job.snapshots.findLast((cut) => cut.run !== null)?.run;
  return [
    ...(isLeft(job)
      ? [`No command drives this job: kgetplus job wait ${job.job} goes on with it.`]
      : []),
    ...(failed === undefined
      ? []
      : [`kgetplus job logs ${failed.vm} shows what its command said.`]),
    ...(run === undefined || run === null ? [] : [`kgetplus show ${run} shows its last snapshot.`]),
    ...(job.phase === 'kept' ? [`Its machines stay until kgetplus job cancel ${job.job}.`] : []),
  ].map(visible);
}
