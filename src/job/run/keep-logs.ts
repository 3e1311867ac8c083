import { toFailure } from '../../base/error.ts';
import { readLog } from '../life/read-log.ts';
import type { JobPorts } from './ports.ts';
import type { SeenVm } from './survey.ts';

/** Of each log. */
const MAX_LOG_BYTES = 8 * 1024 * 1024;

/** What machines have said is kept here, the beginning of it; a log that cannot be had is told of. */
export async function keepLogs(seen: readonly SeenVm[], ports: JobPorts): Promise<void> {
  for (const { found, host } of seen) {
    if (ports.signal.aborted) return;
    try {
      for (const source of ['command', 'console'] as const) {
        const whole = { source, offset: 0, maxBytes: MAX_LOG_BYTES };
        ports.keepLog(found.name, source, (await readLog(found.name, host, whole)).text);
      }
    } catch (error) {
      ports.say(`${found.name}: its log is not here: ${toFailure(error).message}`);
    }
  }
}
