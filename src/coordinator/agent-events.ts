import { unreachable } from '../base/assert.ts';
import type { AgentMessage } from '../control/messages.ts';
import { FRONTEND } from '../planner/types.ts';
import { loseNode } from './loss.ts';
import { join, list, size, spoil, startNodes } from './node-events.ts';
import type { Run } from './run.ts';
import { arrive, count, failTransfer, settle } from './transfer-events.ts';

/** Applies what an agent said: to the facts, the journal and the planner. */
export function handleMessage(run: Run, node: string, message: AgentMessage): void {
  switch (message.type) {
    case 'ready':
      return node === FRONTEND ? startNodes(run, message) : join(run, node, message);
    case 'unfit':
      return loseNode(run, node, message.failure);
    case 'found':
      return list(run, node, message);
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
      return run.ports.observer.notice(node, message.text);
    case 'hello':
    case 'pong':
    case 'left':
      return;
    default:
      return unreachable(message);
  }
}
