import type { Failure } from '../base/error.ts';
import type { AgentMessage } from '../control/messages.ts';

/**
 * What one agent has said so far, and what it may say next: `ready` or `unfit` comes first and
 * once, `found` once, and nothing of scans before it. An agent that keeps to it says nothing that
 * the coordinator could not understand; one that does not has turned hostile or is broken.
 */
export interface Conversation {
  /** What is wrong with this message now; undefined if nothing is. */
  take(message: AgentMessage): Failure | undefined;
}

type Phase = 'silent' | 'unfit' | 'ready' | 'listed';

/** A conversation with the agent of `node`, which has just been started. */
export function conversation(node: string): Conversation {
  let phase: Phase = 'silent';

  return {
    take(message) {
      const next = follow(phase, message.type);
      if (next !== undefined) {
        phase = next;
        return undefined;
      }
      const found = `found "${message.type}" ${CIRCUMSTANCES[phase]}`;
      const text = `Cannot follow what the agent on ${node} says: ${found}`;
      return { code: 'protocol', message: text };
    },
  };
}

const CIRCUMSTANCES: Readonly<Record<Phase, string>> = {
  silent: 'before "ready"',
  unfit: 'after "unfit"',
  ready: 'after "ready", before "found"',
  listed: 'after "found"',
};

/** The phase after a message of this type; undefined if it must not come now. */
function follow(phase: Phase, type: AgentMessage['type']): Phase | undefined {
  if (type === 'notice') return phase;
  if (phase === 'silent') return type === 'ready' || type === 'unfit' ? type : undefined;
  if (phase === 'unfit' || type === 'ready' || type === 'hello') return undefined;
  if (type === 'unfit') return type;
  if (type === 'found') return phase === 'ready' ? 'listed' : undefined;
  return type.startsWith('scan') && phase !== 'listed' ? undefined : phase;
}
