import { join } from 'node:path';
import { KgetError } from '../base/error.ts';
import type { DeployedFile } from '../control/host-calls.ts';
import type { JobJournal } from '../job/record/job-journal.ts';
import type { JobState } from '../job/record/job-state.ts';
import { partsOf } from '../job/record/known-job.ts';
import type { JobPorts } from '../job/run/ports.ts';
import { filesOf } from '../job/run/want-vm.ts';
import { readImages } from '../machine-image/images.ts';
import {
  deployFailures,
  deployFrom,
  deploymentText,
  serveDiskFrom,
  type FrontendFile,
} from './deployment.ts';
import type { HostCrew } from './host-crew.ts';
import type { DrivenJob } from './job-drive.ts';
import type { System } from './system.ts';

/**
 * What this host gives to nodes for a job, each by a host agent of its own: files that are brought
 * there, and a disk that machines read meanwhile.
 */
export function jobFrontend(
  driven: DrivenJob,
  { journal, crew, system }: { journal: JobJournal; crew: HostCrew; system: System },
): Pick<JobPorts, 'deploy' | 'serveDisk'> {
  const { place } = driven;
  return {
    async deploy(wanted, hosts, signal, onArrived) {
      const digests = new Set(wanted.map(({ digest }) => digest));
      const all = frontendFiles(journal.state(), driven);
      const files = all.filter(({ file }) => digests.has(file.digest));
      const frontend = await crew.startFrontend(signal);
      try {
        const report = await deployFrom(
          frontend,
          {
            files,
            place,
            hosts,
            signal,
            onSettled({ node, wireBytes, seconds, failure }) {
              if (failure !== undefined) return;
              journal.append({ type: 'deployed', node, wireBytes, seconds });
              onArrived?.(node);
            },
          },
          system,
        );
        // What was broken off on purpose is not worth a word.
        if (!signal.aborted) system.stderr.write(deploymentText(report));
        return deployFailures(report);
      } finally {
        frontend.caller.close();
      }
    },
    async serveDisk(wanted, hosts, signal) {
      const found = frontendFiles(journal.state(), driven).find(
        ({ file }) => file.digest === wanted.digest,
      );
      if (found?.kind !== 'stored') throw notStored(wanted);
      const frontend = await crew.startFrontend(signal);
      try {
        return await serveDiskFrom(frontend, { ...found, place, hosts, signal });
      } catch (error) {
        frontend.caller.close();
        throw error;
      }
    },
  };
}

/** Where the files of a job are here: parts of its image in the store, its inputs beside it. */
function frontendFiles(state: JobState, { place, directory }: DrivenJob): FrontendFile[] {
  const { job, image, inputs } = state;
  const { images } = readImages(place);
  const indexes = new Map(
    images.flatMap((stored) =>
      stored.image.parts.map((part) => [part.digest, stored.indexPathOf(part)] as const),
    ),
  );
  return filesOf(partsOf(state)).map((file): FrontendFile => {
    if (file.digest === inputs?.digest) {
      return { kind: 'file', file, path: join(directory, 'inputs.tar') };
    }
    const indexPath = indexes.get(file.digest);
    if (indexPath !== undefined) return { kind: 'stored', file, indexPath };
    throw new KgetError(
      'no-match',
      `Cannot deploy image ${image.name} of job ${job}: it is not in ${place.directory} any more; ` +
        'import it again, and kgetplus job wait goes on',
    );
  });
}

function notStored({ digest }: DeployedFile): KgetError {
  return new KgetError(
    'internal',
    `Cannot serve ${digest.slice(0, 12)}: it is no part of an image`,
  );
}
