import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { peerName } from './peer-name.ts';
import type { Identity } from './transfer.ts';

/** Hosts' clocks may be wrong: certificates count from a day before the run to a month after. */
const VALID_BEFORE_MS = 24 * 3600 * 1000;
const VALID_AFTER_MS = 30 * 24 * 3600 * 1000;

const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' };
const SIGNING_ALGORITHM = { name: 'ECDSA', hash: 'SHA-256' };
const AUTHORITY_NAME = 'CN=kgetplus run';

/** The certificate authority of one run. Its key never leaves the command that made it. */
export interface Authority {
  /** A new key and certificate for the agent of `node`, good for both ends of a connection. */
  issue(node: string): Promise<Identity>;
}

/**
 * Makes the certificate authority of a run; `now` is the moment around which its certificates are
 * valid.
 */
export async function createAuthority(now: Date): Promise<Authority> {
  const validity = {
    notBefore: new Date(now.getTime() - VALID_BEFORE_MS),
    notAfter: new Date(now.getTime() + VALID_AFTER_MS),
    signingAlgorithm: SIGNING_ALGORITHM,
  };
  const keys = await newKeys();
  const authority = await X509CertificateGenerator.createSelfSigned({
    ...validity,
    name: AUTHORITY_NAME,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
    ],
  });
  const authorityPem = authority.toString('pem');

  async function issue(node: string): Promise<Identity> {
    const leafKeys = await newKeys();
    const name = peerName(node);
    const certificate = await X509CertificateGenerator.create({
      ...validity,
      subject: `CN=${name}`,
      issuer: authority.subject,
      publicKey: leafKeys.publicKey,
      signingKey: keys.privateKey,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth, ExtendedKeyUsage.serverAuth]),
        new SubjectAlternativeNameExtension([{ type: 'dns', value: name }]),
      ],
    });
    const key = await webcrypto.subtle.exportKey('pkcs8', leafKeys.privateKey);
    return {
      certificate: certificate.toString('pem'),
      key: PemConverter.encode(key, 'PRIVATE KEY'),
      authority: authorityPem,
    };
  }

  return { issue };
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify']);
}
