import { toFailure } from '../base/error.ts';
import type { AgentChannel } from '../control/channel.ts';
import type { Configuration } from '../control/messages.ts';
import { aborted } from './aborted.ts';
import type { VisitChannel, VisitorMessage } from './attach-point.ts';
import { createAttendance } from './attendance.ts';
import { relayDuty, workDuty, type Duty, type Order } from './duty.ts';
import { takePost, type Post, type PostOptions } from './post.ts';
import type { Visit } from './visit.ts';

export interface AgentOptions extends PostOptions {
  /** To the coordinator that started this agent. */
  readonly channel: AgentChannel;
  /** Aborted when the agent is to leave in order, and to keep what its spool holds. */
  readonly stop?: AbortSignal;
}

/** What is done for a coordinator that has configured the agent. */
interface Engagement {
  readonly begun: Promise<Duty>;
  /** Once it has begun. */
  duty?: Duty;
}

/**
 * Does what the coordinator says until it says to leave, or is gone: its channel ends, or it has
 * said nothing for as long as it may. The agent of a node then waits for another coordinator, if it
 * was configured to: the next agent that is started for its spool finds it, and from then on passes
 * on what the two say. Resolves when nothing of the agent is left running.
 */
export async function runAgent(options: AgentOptions): Promise<void> {
  const { clock, build, processId, stop } = options;
  const over = new AbortController();
  const leave = (): void => over.abort();
  const attendance = createAttendance({ clock, onMessage: hear, onAlone: leave });
  const engagements = new WeakMap<Visit, Engagement>();
  let post: Promise<Post> | undefined;
  let emptySpool = false;

  function hear(visit: Visit, message: VisitorMessage): void {
    if (message.type === 'make-way') return leave();
    if (message.type === 'configure') return engage(visit, message);
    const engagement = engagements.get(visit);
    if (engagement?.duty !== undefined) engagement.duty(message);
    else if (message.type === 'ping') visit.send({ type: 'pong' });
    else if (engagement === undefined) hearIdle(visit, message);
    else void engagement.begun.then((duty) => duty(message)).catch(() => hearIdle(visit, message));
  }

  /** A coordinator that knows us as unfit, or has not said who we are, has us leave. */
  function hearIdle(visit: Visit, order: Order): void {
    if (order.type === 'leave' && attendance.isAttended(visit)) leave();
  }

  function engage(visit: Visit, configuration: Configuration): void {
    if (engagements.has(visit)) return;
    attendance.attend(visit);
    visit.allowSilence(configuration.silenceMs);
    post ??= takePost(options, configuration, (visitor) => greet(visitor, configuration));
    const begun = post.then((place) => begin(place, visit, configuration));
    const engagement: Engagement = { begun };
    engagements.set(visit, engagement);
    begun.then(
      (duty) => (engagement.duty = duty),
      (error: unknown) => visit.send({ type: 'unfit', failure: toFailure(error) }),
    );
  }

  async function begin(place: Post, visit: Visit, configuration: Configuration): Promise<Duty> {
    // It is gone already, and so are we.
    if (over.signal.aborted) return () => {};
    if (place.kind === 'relay') {
      const duty = relayDuty(visit, place.meeting, leave);
      place.meeting.tell(configuration);
      return duty;
    }
    attendance.waitForNext(place.isLasting ? configuration.orphanMs : 0);
    const work = await place.workplace.workFor(visit, configuration);
    visit.send({ type: 'ready', ...work.summary });
    return workDuty(visit, work, (order) => {
      if (!attendance.isAttended(visit)) return;
      ({ emptySpool } = order);
      leave();
    });
  }

  /** Another agent has come for our spool. */
  function greet(channel: VisitChannel, { runId, chunkSizeBytes }: Configuration): void {
    if (over.signal.aborted) return channel.close();
    channel.send({ type: 'holding', processId, build, runId, chunkSizeBytes });
    attendance.receive(channel);
  }

  const first = attendance.receive(options.channel);
  attendance.attend(first);
  stop?.addEventListener('abort', leave);
  if (stop?.aborted === true) leave();
  await aborted(over.signal);
  const place = await post?.catch(() => undefined);
  if (place?.kind === 'relay') place.meeting.close();
  else {
    await place?.workplace.close({ emptySpool });
    attendance.say({ type: 'left' });
  }
  attendance.end();
}
