import { LOG_PORT, STATUS_PORT } from '../../../src/guest/protocol.ts';
import type { GuestScript } from '../../../src/hypervisor/simulated/guest.ts';
import { JOB_SCRIPT } from '../../host/fixture.ts';

/** What the guest says on its status port, or another one, so long after it has booted. */
export function says(atMs: number, line: string, port = STATUS_PORT) {
  return { atMs, kind: 'say', port, line } as const;
}

/** A guest that boots in 1 s, and whose command ends after 2 s. */
export function endsWith(status: number): GuestScript {
  return {
    ...JOB_SCRIPT,
    steps: [
      says(0, 'ready'),
      says(0, 'started'),
      says(1000, 'half', LOG_PORT),
      says(2000, `exit ${status}`),
      says(2000, 'outputs 10240'),
      says(2000, 'done'),
    ],
  };
}
