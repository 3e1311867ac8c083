import type {
  AttachPoint,
  HolderMessage,
  VisitChannel,
  VisitorChannel,
  VisitorMessage,
} from '../../src/agent/attach-point.ts';
import { holderMessage, visitorMessage } from '../../src/agent/attach-point.ts';
import { memoryPair } from '../../src/control/memory-channel.ts';

/** The attach points of one host, for agents in this process. */
export interface MemoryAttach {
  /** That of one agent. */
  of(processId: number): AttachPoint;
  /** The agent that holds a directory. */
  holderOf(directory: string): number | undefined;
  /** The agent hangs from now on: whoever comes is not answered. */
  freeze(processId: number): void;
}

interface Holder {
  readonly processId: number;
  onVisit(channel: VisitChannel): void;
}

export function memoryAttach(): MemoryAttach {
  const holders = new Map<string, Holder>();
  const frozen = new Set<number>();

  return {
    holderOf: (directory) => holders.get(directory)?.processId,
    freeze: (processId) => frozen.add(processId),
    of: (processId) => ({
      async reach(directory): Promise<VisitorChannel | undefined> {
        const holder = holders.get(directory);
        if (holder === undefined) return undefined;
        const [visitor, visit] = memoryPair<VisitorMessage, HolderMessage>({
          there: { schema: visitorMessage, peer: 'the visitor' },
          here: { schema: holderMessage, peer: 'the holder' },
        });
        if (!frozen.has(holder.processId)) queueMicrotask(() => holder.onVisit(visit));
        return visitor;
      },
      async hold(directory, onVisit) {
        const before = holders.get(directory);
        if (before !== undefined) return { state: 'taken', processId: before.processId };
        const holder: Holder = { processId, onVisit };
        holders.set(directory, holder);
        return {
          state: 'held',
          hold: {
            names: [],
            defect: undefined,
            release() {
              if (holders.get(directory) === holder) holders.delete(directory);
            },
          },
        };
      },
    }),
  };
}
