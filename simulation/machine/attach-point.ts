import {
  type AttachPoint,
  holderMessage,
  type VisitChannel,
  visitorMessage,
} from '../../src/agent/attach-point.ts';
import { makeDirectoryNow } from '../../src/content/durable.ts';
import { joinProcesses, NO_FAULTS } from './channel.ts';
import { currentProcess, post, type Process } from './process.ts';

/** Who has a directory. */
interface Held {
  readonly holder: Process;
  onVisit(channel: VisitChannel): void;
}

/** The attach point of the agents of one host. */
export function createAttachPoint(): AttachPoint {
  const holds = new Map<string, Held>();

  function holdOf(directory: string): Held | undefined {
    const found = holds.get(directory);
    return found?.holder.state === 'running' ? found : undefined;
  }
  return {
    reach(directory) {
      const found = holdOf(directory);
      if (found === undefined) return Promise.resolve(undefined);
      const visitor = currentProcess();
      const { left, right } = joinProcesses(
        { process: visitor, hears: holderMessage, isBlind: false },
        { process: found.holder, hears: visitorMessage, isBlind: true },
        NO_FAULTS,
      );
      post(found.holder, 0, () => found.onVisit(right));
      return Promise.resolve(left);
    },
    hold(directory, onVisit) {
      makeDirectoryNow(directory, 0o700);
      const found = holdOf(directory);
      if (found !== undefined) {
        return Promise.resolve({ state: 'taken', processId: found.holder.startTime });
      }
      const mine: Held = { holder: currentProcess(), onVisit };
      holds.set(directory, mine);
      const release = (): void => {
        if (holds.get(directory) === mine) holds.delete(directory);
      };
      return Promise.resolve({ state: 'held', hold: { names: [], defect: undefined, release } });
    },
  };
}
