import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MigrationIdentity } from '../hypervisor.ts';
import type { Machine } from './machine.ts';
import { QmpRefusal, type Qmp } from './qmp.ts';

const CREDENTIALS = 'move-credentials';
const GUARD = 'move-guard';
/** In the words of GnuTLS. */
const TLS_1_3_ONLY = 'NORMAL:-VERS-ALL:+VERS-TLS1.3';

/** What is added to commands for memory and for disks, the same, so that these go over TLS. */
export type TlsWords = Readonly<Record<string, string>>;

/** Of the side that connects: it wants to see the other side's name in its certificate. */
export async function identifyToTarget(
  qmp: Qmp,
  machine: Machine,
  identity: MigrationIdentity,
): Promise<TlsWords> {
  await addCredentials(qmp, machine, { identity, role: 'client' });
  return { 'tls-creds': CREDENTIALS, 'tls-hostname': identity.peerName };
}

/** Of the side that is connected to: it lets in only who has a certificate of that name. */
export async function identifyToSource(
  qmp: Qmp,
  machine: Machine,
  identity: MigrationIdentity,
): Promise<TlsWords> {
  await addCredentials(qmp, machine, { identity, role: 'server' });
  await qmp.execute('object-add', {
    'qom-type': 'authz-simple',
    id: GUARD,
    identity: `CN=${identity.peerName}`,
  });
  return { 'tls-creds': CREDENTIALS, 'tls-authz': GUARD };
}

/** Forgets the keys, and that memory goes over TLS: it does so on its way to a file, too. */
export async function dropIdentity(qmp: Qmp): Promise<void> {
  await qmp.execute('migrate-set-parameters', {
    'tls-creds': '',
    'tls-hostname': '',
    'tls-authz': '',
  });
  for (const id of [CREDENTIALS, GUARD]) {
    await qmp.execute('object-del', { id }).catch((error: unknown) => {
      // It was not there.
      if (!(error instanceof QmpRefusal)) throw error;
    });
  }
}

/** QEMU takes keys from files of these names only, and reads them before it answers. */
async function addCredentials(
  qmp: Qmp,
  { places }: Machine,
  { identity, role }: { identity: MigrationIdentity; role: 'client' | 'server' },
): Promise<void> {
  const directory = places.identity;
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { mode: 0o700 });
  try {
    const files = {
      'ca-cert.pem': identity.authority,
      [`${role}-cert.pem`]: identity.certificate,
      [`${role}-key.pem`]: identity.key,
    };
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(join(directory, name), text, { mode: 0o600, flag: 'wx' });
    }
    await qmp.execute('object-add', {
      'qom-type': 'tls-creds-x509',
      id: CREDENTIALS,
      dir: directory,
      endpoint: role,
      'verify-peer': true,
      priority: TLS_1_3_ONLY,
      // It refuses keys that only sign (ECDSA) in most versions; the handshake checks all the same.
      'sanity-check': false,
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
