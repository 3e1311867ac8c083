import type { SecureContextOptions } from 'node:tls';
import type { Identity } from './transfer.ts';

/**
 * What both ends of a connection insist on: TLS 1.3, and a certificate of this run's authority,
 * which takes the place of the system's. AES-128-GCM first: as safe here as AES-256, and faster
 * where a processor is slow at AES.
 */
export function trust(identity: Identity): SecureContextOptions {
  return {
    cert: identity.certificate,
    key: identity.key,
    ca: identity.authority,
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    ciphers: 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384',
    honorCipherOrder: true,
  };
}
