import type { Clock } from '../../base/clock.ts';
import { connectQmp, type Qmp } from './qmp.ts';

/** For the greeting and for commands, of which none waits for anything but QEMU itself. */
const ANSWER_LIMIT_MS = 15_000;

/** Connections to monitors, each of which serves one client at a time: so they are shared. */
export interface Sessions {
  /** Works with a connection, which is closed when nobody here works with it any more. */
  use<Result>(where: MonitorPlace, work: (qmp: Qmp) => Promise<Result>): Promise<Result>;
}

interface MonitorPlace {
  readonly path: string;
  readonly title: string;
}

export function qemuSessions(clock: Clock): Sessions {
  const open = new Map<string, { connecting: Promise<Qmp>; users: number }>();
  return {
    async use({ path, title }, work) {
      let session = open.get(path);
      if (session === undefined) {
        const connecting = connectQmp({ path, title, clock, limitMs: ANSWER_LIMIT_MS });
        session = { connecting, users: 0 };
        open.set(path, session);
      }
      const own = session;
      own.users += 1;
      const forget = (): void => {
        if (open.get(path) === own) open.delete(path);
      };
      try {
        const qmp = await own.connecting;
        qmp.ended.addEventListener('abort', forget, { once: true });
        return await work(qmp);
      } finally {
        own.users -= 1;
        if (own.users === 0) {
          forget();
          await own.connecting.then(
            (qmp) => qmp.close(),
            () => undefined,
          );
        }
      }
    },
  };
}
