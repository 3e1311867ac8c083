import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { linkRate } from '../../src/agent/link-rate.ts';
import { temporaryDirectory } from '../content/fixtures.ts';

/** A card with its driver and what it says of its speed, or what lies upon other interfaces. */
type Interface =
  | { readonly driver: string; readonly speed?: string }
  | { readonly upon: readonly string[] };

const GIGABIT = 1e9 / 8;
const CARD: Interface = { driver: 'ixgbe', speed: '10000\n' };

void suite('linkRate', () => {
  void test('`linkRate` is the speed of the card that has the address', (t) => {
    const host = hostWith(t, { eth0: { driver: 'igb', speed: '1000\n' }, eth1: CARD });
    assert.equal(linkRate('10.0.0.1', host), GIGABIT);
    assert.equal(linkRate('10.0.0.2', host), 10 * GIGABIT);
    assert.equal(linkRate('fe80::2%eth1', host), 10 * GIGABIT);
  });

  void test('`linkRate` is that of the fastest card below a bridge, a bond or a VLAN', (t) => {
    const host = hostWith(t, {
      br0: { upon: ['bond0.7', 'vnet0'] },
      'bond0.7': { upon: ['bond0'] },
      bond0: { upon: ['eth0', 'eth1'] },
      eth0: { driver: 'igb', speed: '1000\n' },
      eth1: CARD,
      vnet0: { upon: [] },
    });
    assert.equal(linkRate('10.0.0.1', host), 10 * GIGABIT);
  });

  for (const [what, found] of [
    ['a card of a virtual machine', { driver: 'virtio_net', speed: '10000\n' }],
    ['a card without a cable', { driver: 'igb', speed: '-1\n' }],
    ['a card that says nothing', { driver: 'igb', speed: '' }],
    ['a card that cannot tell', { driver: 'igb' }],
    ['no card', { upon: [] }],
    ['a circle', { upon: ['eth0'] }],
  ] as const) {
    void test(`\`linkRate\` is not known of ${what}`, (t) => {
      assert.equal(linkRate('10.0.0.1', hostWith(t, { eth0: found })), null);
    });
  }

  void test('`linkRate` is not known of an address that is not here, or without the directory', (t) => {
    const host = hostWith(t, { eth0: CARD });
    assert.equal(linkRate('192.0.2.1', host), null);
    assert.equal(linkRate('10.0.0.1', { ...host, directory: '/nowhere' }), null);
  });

  void test('`linkRate` without an address is what all cards agree on', (t) => {
    const docker: Interface = { upon: [] };
    assert.equal(linkRate(null, hostWith(t, { eth0: CARD, eth1: CARD, docker })), 10 * GIGABIT);
    const slow: Interface = { driver: 'igb', speed: '1000\n' };
    assert.equal(linkRate(null, hostWith(t, { eth0: CARD, eth1: slow })), null);
    assert.equal(linkRate(null, hostWith(t, { docker })), null);
  });

  void test('`linkRate` of this host is above 0 or not known', () => {
    const found = linkRate(null);
    assert.ok(found === null || found > 0);
  });
});

/** A host whose interfaces have the addresses 10.0.0.1, 10.0.0.2 and so on. */
function hostWith(t: TestContext, host: Readonly<Record<string, Interface>>) {
  const directory = temporaryDirectory(t);
  const addresses = new Map<string, readonly string[]>();
  for (const [index, [name, what]] of Object.entries(host).entries()) {
    addresses.set(name, [`10.0.0.${index + 1}`, `fe80::${index + 1}`]);
    const place = join(directory, name);
    mkdirSync(place);
    if ('upon' in what) {
      for (const lower of what.upon) symlinkSync(`../${lower}`, join(place, `lower_${lower}`));
      continue;
    }
    mkdirSync(join(place, 'device'));
    symlinkSync(`/bus/drivers/${what.driver}`, join(place, 'device/driver'));
    if (what.speed !== undefined) writeFileSync(join(place, 'speed'), what.speed);
  }
  return { interfaces: addresses, directory };
}
