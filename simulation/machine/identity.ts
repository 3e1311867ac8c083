/**
 * Stands for `src/transfer/identity.ts`: keys are drawn from the system's randomness, and would make
 * each run of a seed another one. See tls.ts for what a certificate is here.
 */
import type { Authority } from '../../src/transfer/identity.ts';
import { peerName } from '../../src/transfer/peer-name.ts';
import { currentProcess } from './process.ts';

export function createAuthority(): Promise<Authority> {
  const { name, startTime } = currentProcess();
  const authority = `authority-of-${name}-${startTime}`;
  return Promise.resolve({
    issue: (node: string) =>
      Promise.resolve({ certificate: `${authority} ${peerName(node)}`, key: '', authority }),
  });
}
