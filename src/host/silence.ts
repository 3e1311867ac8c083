import type { Clock } from '../base/clock.ts';
import type { Channel } from '../control/channel.ts';

/** A coordinator that has said nothing for this long is gone: it pings more often. */
export const SILENCE_LIMIT_MS = 60_000;
/**
 * So many looks in a row must find silence, spread over the limit: after this process was held up
 * only one comes before the messages that have long arrived.
 */
const SILENCE_LOOKS = 4;

/** A channel that we close when nothing has come over it for `SILENCE_LIMIT_MS`. */
export function endedBySilence<Out, In>(channel: Channel<Out, In>, clock: Clock): Channel<Out, In> {
  const over = new AbortController();
  let quietLooks = 0;

  async function watch(): Promise<void> {
    while (quietLooks < SILENCE_LOOKS) {
      await clock.sleep(SILENCE_LIMIT_MS / SILENCE_LOOKS, over.signal);
      if (over.signal.aborted) return;
      quietLooks += 1;
    }
    channel.close();
  }

  return {
    send: (message) => channel.send(message),
    onMessage(listener) {
      void watch();
      channel.onMessage((message) => {
        quietLooks = 0;
        listener(message);
      });
    },
    onEnd(listener) {
      channel.onEnd((failure) => {
        over.abort();
        listener(failure);
      });
    },
    close() {
      over.abort();
      channel.close();
    },
  };
}
