import { unreachable } from '../base/assert.ts';
import type { CoordinatorMessage } from '../control/messages.ts';
import type { Meeting } from './meeting.ts';
import type { Visit } from './visit.ts';
import type { Work } from './workplace.ts';

/** What a coordinator says once it has said who the agent is. */
export type Order = Exclude<CoordinatorMessage, { type: 'configure' }>;

/** Does what one coordinator says. */
export type Duty = (order: Order) => void;

/** Does the work itself; `onLeave` is called when it is to leave. */
export function workDuty(
  visit: Visit,
  work: Work,
  onLeave: (order: Extract<Order, { type: 'leave' }>) => void,
): Duty {
  return (order) => {
    switch (order.type) {
      case 'find':
        work.find(order.patterns);
        return;
      case 'receive':
        work.receives.start(order);
        return;
      case 'cancel':
        work.receives.cancel(order.transfer);
        return;
      case 'drop':
        work.drop(order.image);
        return;
      case 'ping':
        visit.send({ type: 'pong' });
        return;
      case 'leave':
        onLeave(order);
        return;
      default:
        unreachable(order);
    }
  };
}

/**
 * Hands all on to the agent that does the work, and its answers back, in order. `onOver` is called
 * when that agent has ended the visit.
 */
export function relayDuty(visit: Visit, meeting: Meeting, onOver: () => void): Duty {
  meeting.onAnswer((message) => visit.send(message));
  meeting.over.addEventListener('abort', onOver);
  if (meeting.over.aborted) onOver();
  return (order) => meeting.tell(order);
}
