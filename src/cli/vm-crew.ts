import { join } from 'node:path';
import type { JobState } from '../job/record/job-state.ts';
import { VM_CHUNK_BYTES } from './collect-files.ts';
import { hostCrew, type HostCrew } from './host-crew.ts';
import type { System } from './system.ts';

/** Starts host agents on the nodes of a job, as the job was told to reach them. */
export function crewOfJob(
  { access, spec }: Pick<JobState, 'access' | 'spec'>,
  directory: string,
  system: System,
): Promise<HostCrew> {
  return hostCrew(
    {
      reach: access,
      hypervisor: spec.hypervisor,
      chunkSizeBytes: VM_CHUNK_BYTES,
      workDirectory: join(directory, 'frontend'),
    },
    system,
  );
}
