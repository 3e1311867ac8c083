import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { createAuthority } from '../../src/transfer/identity.ts';
import { peerName } from '../../src/transfer/peer-name.ts';

const now = new Date('2026-11-22T12:00:00Z');
const authority = await createAuthority(now);
const identity = await authority.issue('node07');
const leaf = new X509Certificate(identity.certificate);

void test('`issue` makes a certificate for the node that the authority has signed', () => {
  const signer = new X509Certificate(identity.authority);
  assert.ok(leaf.checkIssued(signer) && leaf.verify(signer.publicKey));
  assert.equal(leaf.checkHost(peerName('node07')), peerName('node07'));
  assert.equal(leaf.checkHost(peerName('node08')), undefined);
  assert.equal(leaf.ca, false);
  assert.equal(signer.ca, true);
});

void test('`issue` makes certificates for both ends of a connection', () => {
  assert.deepEqual(leaf.keyUsage.toSorted(), ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
});

void test('`createAuthority` allows for clocks that are a day slow', () => {
  assert.equal(Date.parse(leaf.validFrom), now.getTime() - 24 * 3600 * 1000);
  assert.ok(Date.parse(leaf.validTo) > now.getTime() + 29 * 24 * 3600 * 1000);
});

void test('`peerName` is a DNS name when the node has any name', () => {
  for (const node of ['a', '10.0.0.1', 'fe80::1%eth0', 'Über', 'x'.repeat(300), 'user@host', '']) {
    assert.match(peerName(node), /^[0-9a-f]{32}\.node\.kgetplus$/);
  }
  assert.notEqual(peerName('a'), peerName('A'));
});
