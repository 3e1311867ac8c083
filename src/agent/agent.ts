import { unreachable } from '../base/assert.ts';
import { toFailure } from '../base/error.ts';
import type { Configuration, CoordinatorMessage } from '../control/messages.ts';
import { SILENCE_LIMIT_MS } from './limits.ts';
import { openWorkplace, type Workplace, type WorkplaceOptions } from './workplace.ts';

/**
 * Does what the coordinator says until it says to leave, or is gone: its channel ends, or it has
 * said nothing for `SILENCE_LIMIT_MS`. Resolves when nothing of the agent is left running.
 */
export async function runAgent(options: WorkplaceOptions): Promise<void> {
  const { channel, clock } = options;
  const gone = new AbortController();
  let heardMs = clock.nowMs();
  let workplace: Promise<Workplace> | undefined;
  let emptySpool = false;

  channel.onEnd(() => gone.abort());
  channel.onMessage((message) => {
    heardMs = clock.nowMs();
    if (message.type === 'configure') {
      workplace ??= start(options, message);
      // The coordinator knows by `unfit`, and tells us to leave.
      workplace.catch(() => {});
    } else if (message.type === 'ping') channel.send({ type: 'pong' });
    else if (message.type === 'leave') {
      emptySpool = message.emptySpool;
      gone.abort();
    } else void workplace?.then((place) => obey(place, message)).catch(() => {});
  });
  while (!gone.signal.aborted) {
    await clock.sleep(SILENCE_LIMIT_MS, gone.signal);
    if (clock.nowMs() - heardMs > SILENCE_LIMIT_MS) gone.abort();
  }
  const place = await workplace?.catch(() => undefined);
  await place?.close({ emptySpool });
  channel.send({ type: 'left' });
  channel.close();
}

async function start(options: WorkplaceOptions, configuration: Configuration): Promise<Workplace> {
  const { channel } = options;
  try {
    const place = await openWorkplace(options, configuration);
    channel.send({ type: 'ready', ...place.summary });
    return place;
  } catch (error) {
    channel.send({ type: 'unfit', failure: toFailure(error) });
    throw error;
  }
}

type Order = Exclude<CoordinatorMessage, { type: 'configure' | 'ping' | 'leave' }>;

function obey(place: Workplace, message: Order): void {
  switch (message.type) {
    case 'find':
      place.find(message.patterns);
      return;
    case 'receive':
      place.receives.start(message);
      return;
    case 'cancel':
      place.receives.cancel(message.transfer);
      return;
    case 'drop':
      place.drop(message.image);
      return;
    default:
      unreachable(message);
  }
}
