import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { frontendReport } from '../../src/report/frontend.ts';
import { KiB, makeSite, type Ended, type Site } from './site.ts';

const NODES = ['a1', 'a2', 'a3', 'a4', 'a5', 'a6'];
/** The frontend's link takes a second for all images: nodes have reason to relay. */
const PACED = ['--bwlimit', '2MiB'];

void suite('how images travel', { concurrency: 2 }, () => {
  void test('`gather` lets one node send to the frontend at a time, and relays', async () => {
    const site = six();
    await gatherSix(site);
    assert.equal(mostSenders(site), 1);
    assert.ok(relays(site) > 0, 'nothing was relayed');
  });

  void test('`gather --senders 2` never lets more than two nodes send to the frontend', async () => {
    const site = six();
    await gatherSix(site, '--senders', '2');
    assert.equal(mostSenders(site), 2);
    assert.equal(site.report().frontend.sendersAllowed, 2);
  });

  void test('`gather --senders auto` ends well', async () => {
    const site = six();
    await gatherSix(site, '--senders', 'auto');
    const { maxSenders, sendersAllowed } = site.report().frontend;
    assert.ok(maxSenders >= 1 && maxSenders <= Math.max(2, sendersAllowed));
  });

  void test('`gather --max-hops 0` relays nothing', async () => {
    const site = six();
    await gatherSix(site, '--max-hops', '0');
    assert.equal(relays(site), 0);
    for (const { route, node } of site.report().images) assert.deepEqual(route, [node, 'frontend']);
  });

  void test('`gather --max-hops 1` relays each image once at most', async () => {
    const site = six();
    await gatherSix(site, '--max-hops', '1');
    for (const { route } of site.report().images) assert.ok(route.length <= 3, route.join(' → '));
  });

  void test('`gather --no-receive` relays nothing onto these nodes', async () => {
    const site = six();
    await gatherSix(site, '--no-receive', 'a[1-3]', '--no-receive', 'a4');
    const receivers = new Set(site.report().transfers.map(({ to }) => to));
    for (const node of ['a1', 'a2', 'a3', 'a4']) assert.ok(!receivers.has(node), node);
    assert.ok(relays(site) > 0, 'nothing was relayed');
  });

  void test('`gather` ends well with racks, with nodes to go first, and with two copies', async () => {
    const site = six();
    const racks = join(site.root, 'racks.txt');
    writeFileSync(racks, 'left: a[1-3] uplink 8Mbit\nright: a[4-5]\n');
    await gatherSix(site, '--topology', racks, '--first', 'a6', '--first', 'a1', '--copies', '2');
  });

  void test('`gather --objective target:50%` releases half of the nodes early', async () => {
    const site = six();
    await gatherSix(site, '--objective', 'target:50%');
    const { t50Seconds, t100Seconds } = site.report().summary;
    assert.ok(t50Seconds !== null && t100Seconds !== null);
    assert.ok(t50Seconds < t100Seconds);
    assert.equal(mostSenders(site), 1);
  });
});

function six(): Site {
  const site = makeSite();
  for (const node of NODES) site.image(node, 350 * KiB);
  return site;
}

async function gatherSix(site: Site, ...words: string[]): Promise<Ended> {
  const ended = await site.gather('a[1-6]', ...PACED, ...words);
  assert.equal(ended.exitCode, 0, ended.stderr);
  site.assertSafe(NODES);
  assert.deepEqual(site.spooled(), []);
  assert.ok(site.report().nodes.every(({ state }) => state === 'released'));
  return ended;
}

function mostSenders(site: Site): number {
  return frontendReport(site.report().transfers, 1).maxSenders;
}

function relays(site: Site): number {
  return site.report().transfers.filter(({ to }) => to !== 'frontend').length;
}
