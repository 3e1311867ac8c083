import { join } from 'node:path';
import { KgetError } from '../base/error.ts';
import type { Configuration } from '../control/messages.ts';
import type { AttachPoint, VisitChannel } from './attach-point.ts';
import { claimDirectory } from './claim-directory.ts';
import type { Meeting } from './meeting.ts';
import { spoolPlace } from './open-place.ts';
import { makeSpool } from './spool.ts';
import { confirmWritable, targetFailure } from './target-names.ts';
import { openWorkplace, type Workplace, type WorkplaceOptions } from './workplace.ts';

/** What the command keeps in a target besides what it gathers. */
const OWN_DIRECTORY = '.kgetplus';

/** What an agent does from its configuration on. */
export type Post =
  | {
      readonly kind: 'workplace';
      readonly workplace: Workplace;
      /** It may wait for another coordinator: it has a node's spool, and can be found. */
      readonly isLasting: boolean;
    }
  /** Another agent does the work: this one passes on what the two sides say. */
  | { readonly kind: 'relay'; readonly meeting: Meeting };

export interface PostOptions extends WorkplaceOptions {
  readonly attach: AttachPoint;
  /** Names this agent's code: see `Holding`. */
  readonly build: string;
}

/**
 * Finds out who works in the spool or the target that an agent was configured for, and sets this
 * agent up if it is to. An agent that still works in the target is one of a command that is gone,
 * since this one has locked it.
 * @throws KgetError `target-unwritable`, `locked`
 */
export async function takePost(
  options: PostOptions,
  configuration: Configuration,
  onVisit: (channel: VisitChannel) => void,
): Promise<Post> {
  const { attach, clock, build } = options;
  const { runId, chunkSizeBytes, target } = configuration;
  const directory =
    target === null
      ? makeSpool(spoolPlace(configuration, options.defaultSpool))
      : ownDirectory(target.directory);
  const own = target === null ? { build, runId, chunkSizeBytes } : undefined;
  const claim = await claimDirectory({ attach, clock, directory, own, onVisit }).catch(
    (error: unknown) => {
      throw error instanceof KgetError ? error : targetFailure(directory, error);
    },
  );
  if (claim.worker === 'other') return { kind: 'relay', meeting: claim.meeting };
  const { hold } = claim;
  try {
    const workplace = await openWorkplace(options, configuration, hold);
    return {
      kind: 'workplace',
      workplace,
      isLasting: target === null && hold.defect === undefined,
    };
  } catch (error) {
    hold.release();
    throw error;
  }
}

/** @throws KgetError `target-unwritable` */
function ownDirectory(target: string): string {
  confirmWritable(target);
  return join(target, OWN_DIRECTORY);
}
