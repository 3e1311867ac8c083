import { KgetError } from '../base/error.ts';
import type { Host, Hosts } from '../job/hosts/hosts.ts';
import { chooseVm } from '../job/record/job-id.ts';
import type { JobState } from '../job/record/job-state.ts';
import { jobDirectory, jobIds } from '../job/record/jobs.ts';
import { surveyJob, type SeenVm, type Survey } from '../job/run/survey.ts';
import { foldNodeSet } from '../nodeset/fold.ts';
import type { DrivenJob } from './job-drive.ts';
import { stateOf } from './job-wait.ts';
import { storeAt, type StoreOption } from './store-option.ts';
import type { System } from './system.ts';
import { crewOfJob } from './vm-crew.ts';

/** Machines of a job that a command is for, as they are found on their nodes. */
export interface VmTarget extends AsyncDisposable {
  readonly driven: DrivenJob;
  readonly state: JobState;
  /** By number. */
  readonly vms: readonly SeenVm[];
  readonly hosts: Hosts;
  /** The host agent of any node of the job. @throws KgetError `usage`, `unreachable` */
  hostAt(node: string): Host;
}

/**
 * Finds the machines that `JOB` (all of them) or `JOB.N` stands for, by asking the nodes of the job.
 * @throws KgetError `usage` if there are none, `unreachable` if a node that may have one is silent
 */
export async function findVms(
  text: string,
  options: StoreOption,
  system: System,
): Promise<VmTarget> {
  const place = storeAt(options, system);
  const { job, vm } = chooseVm(text, jobIds(place.directory));
  const driven = { place, job, directory: jobDirectory(place.directory, job) };
  const state = stateOf(driven);
  const { nodes } = state.spec;
  const crew = await crewOfJob(state, driven.directory, system);
  const hosts = await crew.start(nodes, system.interrupt);
  try {
    const survey = await surveyJob(job, [...hosts.all.values()], system.interrupt);
    const vms = wantedOf(survey, hosts, { text, vm });
    return {
      driven,
      state,
      vms,
      hosts,
      hostAt(node) {
        if (nodes.includes(node)) return hosts.at(node);
        const known = foldNodeSet(nodes);
        throw new KgetError(
          'usage',
          `Cannot use ${node}: it is no node of job ${job}, ${known} are`,
        );
      },
      [Symbol.asyncDispose]: () => hosts[Symbol.asyncDispose](),
    };
  } catch (error) {
    await hosts[Symbol.asyncDispose]();
    throw error;
  }
}

function wantedOf(
  survey: Survey,
  { failures }: Hosts,
  { text, vm }: { readonly text: string; readonly vm: string | null },
): readonly SeenVm[] {
  const vms = [...survey.vms.values()]
    .filter(({ found }) => vm === null || found.name === vm)
    .toSorted((one, other) => numberOf(one.found.name) - numberOf(other.found.name));
  const silent = [...failures, ...survey.silent];
  const [first] = silent;
  const isWhole = vm === null ? silent.length === 0 : vms.length > 0;
  if (first !== undefined && !isWhole) {
    const [node, { message }] = first;
    throw new KgetError('unreachable', `Cannot tell where ${text} is: ${node}: ${message}`);
  }
  if (vms.length > 0) return vms;
  throw new KgetError(
    'usage',
    `Cannot use ${text}: no node of its job has such a machine any more`,
  );
}

function numberOf(name: string): number {
  return Number(name.slice(name.lastIndexOf('.') + 1));
}
