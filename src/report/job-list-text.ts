import type { JobListing, ListedJob } from './job-listing.ts';
import { visible } from './names.ts';
import { formatDate } from './page.ts';
import { countWords } from './store-words.ts';
import { type Column, tableLines } from './table.ts';

const LINE_WIDTH = 160;
/** The longest id has 53; machines' names are made of it, so it is shown whole. */
const NODES_WIDTH = 24;
const IMAGE_WIDTH = 20;

const COLUMNS: readonly Column[] = [
  { title: 'Job', align: 'left' },
  { title: 'State', align: 'left' },
  { title: 'VMs', align: 'right' },
  { title: 'Running', align: 'right' },
  { title: 'Done', align: 'right' },
  { title: 'Failed', align: 'right' },
  { title: 'Nodes', align: 'left', maxWidth: NODES_WIDTH },
  { title: 'Since (UTC)', align: 'left' },
  { title: 'Image', align: 'left', maxWidth: IMAGE_WIDTH },
  { title: '', align: 'left' },
];

/** What a terminal shows of the jobs of a store: a line for each, the oldest first. */
export function renderJobsText({ jobs, store }: JobListing): string {
  if (jobs.length === 0) {
    return (
      `There is no job in ${visible(store)}.\n` +
      'kgetplus job submit JOB.yaml submits one; --store DIR names another store.\n'
    );
  }
  const lines = tableLines(COLUMNS, jobs.map(rowOf), LINE_WIDTH);
  return `${[...lines, '', totalLine(jobs)].join('\n')}\n`;
}

function rowOf(job: ListedJob): string[] {
  const { vms } = job;
  return [
    job.job,
    stateWord(job),
    String(vms.total),
    String(vms.running),
    String(vms.succeeded),
    String(vms.failed),
    job.nodeSet,
    formatDate(job.submittedAt ?? '–').replace(/ UTC$/, ''),
    job.image ?? '–',
    remarkOn(job),
  ];
}

/** The result of a job that has one for good, else how far it is. */
export function stateWord({ phase, result }: Pick<ListedJob, 'phase' | 'result'>): string {
  return (phase === 'finished' || phase === 'kept') && result !== null ? result : phase;
}

/** Whether somebody has to do something, so that the job comes to its end. */
export function isLeft({ phase, driver }: Pick<ListedJob, 'phase' | 'driver'>): boolean {
  return !['finished', 'kept', 'unknown'].includes(phase) && driver === null;
}

function remarkOn(job: ListedJob): string {
  if (job.problem !== null) return job.problem;
  if (job.phase === 'kept') return 'machines are kept';
  return isLeft(job) ? 'no command drives it' : '';
}

function totalLine(jobs: readonly ListedJob[]): string {
  const open = jobs.filter(({ phase }) => !['finished', 'unknown'].includes(phase));
  return `${countWords(jobs.length, 'job')}, ${open.length} open`;
}
