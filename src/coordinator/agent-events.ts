import { unreachable } from '../base/assert.ts';
import type { AgentMessage } from '../control/messages.ts';
import { FRONTEND } from '../planner/types.ts';
import { noteNotice } from './agent-words.ts';
import { loseNode } from './loss.ts';
import { join, list, scan, size, spoil, startNodes } from './node-events.ts';
import type { Run } from './run.ts';
import { arrive, count, failTransfer, settle } from './transfer-events.ts';

/** What of a transfer's name is told, which may be anything if it is none of ours. */
const MAX_QUOTED_CHARACTERS = 40;

/** Applies what an agent said: to the facts, the journal and the planner. */
export function handleMessage(run: Run, node: string, message: AgentMessage): void {
  if ('transfer' in message && !isOnto(run, node, message.transfer)) {
    const transfer = message.transfer.slice(0, MAX_QUOTED_CHARACTERS);
    const text = `ignored "${message.type}" of transfer "${transfer}", which is not onto this node`;
    return noteNotice(run, node, text);
  }
  switch (message.type) {
    case 'ready':
      return node === FRONTEND ? startNodes(run, message) : join(run, node, message);
    case 'unfit':
      return loseNode(run, node, message.failure);
    case 'found':
      return list(run, node, message);
    case 'scanning':
      return scan(run, node, message);
    case 'scanned':
      return size(run, node, message);
    case 'scan-failed':
      return spoil(run, { node, path: message.path, failure: message.failure });
    case 'receiving':
      return count(run, message);
    case 'arrived':
      return arrive(run, message);
    case 'received':
      return settle(run, node, message);
    case 'receive-failed':
      return failTransfer(run, node, message);
    case 'notice':
      return noteNotice(run, node, message.text);
    case 'hello':
    case 'pong':
    case 'left':
      return;
    default:
      return unreachable(message);
  }
}

/**
 * Only its receiver knows how a transfer goes: a copy that somebody else vouches for may not exist.
 */
function isOnto(run: Run, node: string, transfer: string): boolean {
  return run.facts.transfers.get(transfer)?.to === node;
}
