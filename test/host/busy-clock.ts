import { idleClock, type IdleClock } from '../coordinator/idle-clock.ts';

/** What follows from a file that was read may take a few turns to begin with the next. */
const IDLE_TURNS = 3;

/** Names of what Node.js waits for, while files are read and written. */
const BUSY = /^(FSReq|CloseReq)/;

/** An idle clock that files, too, have to be idle for. */
export function busyClock(): IdleClock {
  let idleTurns = 0;
  return idleClock(() => {
    idleTurns = isBusy() ? 0 : idleTurns + 1;
    return idleTurns >= IDLE_TURNS;
  });
}

function isBusy(): boolean {
  return process.getActiveResourcesInfo().some((name) => BUSY.test(name));
}
