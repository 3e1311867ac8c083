import { createHash } from 'node:crypto';

/**
 * The name that stands for a node in certificates, as a DNS name. Node names take any form
 * (addresses, aliases of an ssh configuration, upper case), so the name is made of their hash: 32
 * hexadecimal digits of SHA-256, then `.node.kgetplus`.
 */
export function peerName(node: string): string {
  const digest = createHash('sha256').update(node).digest('hex');
  return `${digest.slice(0, 32)}.node.kgetplus`;
}
