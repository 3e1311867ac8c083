import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import type { Lab } from '../../lab/lab.ts';
import type { LabHost } from '../../lab/layout.ts';
import { dealRacks, parseRacks } from '../../lab/racks.ts';
import { listLabs } from '../../lab/registry.ts';
import { missingForLab } from '../../lab/requirements.ts';
import { rateBytesPerSecond } from '../../lab/shaping.ts';
import { startLab } from '../../lab/start.ts';
import { describeLab } from '../../lab/status.ts';
import { runTool } from '../../lab/tools.ts';

const missing = missingForLab();
const skip = missing.length > 0 && missing.join('; ');

const RATE = '400mbit';
const UPLINK_RATE = '20mbit';
const MIB = 1024 * 1024;
/** What ssh, TCP and ARP may add to the bytes sent, or make where none are. */
const SPARE_BYTES = MIB / 4;

void it('`dealRacks` deals all nodes in their order, to racks that differ by at most one', () => {
  for (let length = 1; length <= 20; length += 1) {
    const nodes = Array.from({ length }, (_, index) => `kn${index}`);
    for (let count = 1; count <= length; count += 1) {
      const racks = dealRacks(nodes, { count, uplinkRate: UPLINK_RATE });
      const sizes = racks.map((rack) => rack.nodes.length);
      assert.equal(new Set(racks.map((rack) => rack.name)).size, count);
      assert.deepEqual(
        racks.flatMap((rack) => rack.nodes),
        nodes,
      );
      assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1, sizes.join(' '));
    }
  }
});

void it('`dealRacks` says what it wants when there are more racks than nodes', () => {
  for (const count of [0, 3, 1.5]) {
    const deal = (): unknown => dealRacks(['kn01', 'kn02'], { count, uplinkRate: UPLINK_RATE });
    assert.throws(deal, new RegExp(`Cannot deal 2 nodes to ${count} racks: wanted 1 to 2 racks`));
  }
});

void it('`parseRacks` reads a number and a rate', () => {
  assert.deepEqual(parseRacks('4x80mbit'), { count: 4, uplinkRate: '80mbit' });
  for (const text of ['4', 'x80mbit', '-4x80mbit', '4 x 80mbit', '']) {
    assert.throws(() => parseRacks(text), /Cannot read ".*" as racks: .* e\.g\. 4x80mbit/);
  }
  assert.throws(() => parseRacks('4x80'), /Cannot shape a link to "80": wanted e\.g\. 40mbit/);
});

void describe('a lab with racks', { skip, timeout: 60_000 }, () => {
  let lab: Lab;
  before(async () => {
    const racks = { count: 2, uplinkRate: UPLINK_RATE };
    lab = await startLab({ nodes: 5, rate: RATE, racks });
  });
  after(async () => lab.stop());

  void it('`startLab` puts every port on the bridge that it belongs to', async () => {
    assert.deepEqual(await portsOf(lab, 'bridge0'), ['frontend', 'rack1-down', 'rack2-down']);
    assert.deepEqual(await portsOf(lab, 'rack1'), ['kn01', 'kn02', 'kn03', 'rack1-up']);
    assert.deepEqual(await portsOf(lab, 'rack2'), ['kn04', 'kn05', 'rack2-up']);
  });

  void it('`startLab` shapes both ends of an uplink, and lets no bursts through', async () => {
    for (const device of ['rack1-up', 'rack1-down', 'rack2-up', 'rack2-down']) {
      assert.match(await inNetwork(lab, 'tc', 'qdisc', 'show', 'dev', device), /tbf .*rate 20Mbit/);
      const features = await inNetwork(lab, 'ethtool', '-k', device);
      assert.match(features, /^generic-segmentation-offload: off/m);
      assert.match(features, /^tcp-segmentation-offload: off/m);
      assert.match(features, /^generic-receive-offload: off/m);
    }
  });

  void it('`uplinkBytes` counts what goes from rack to rack, at no more than its rate', async () => {
    const startedMs = performance.now();
    const grown = await growth(lab, async () => send(lab, { from: 'kn01', to: 'kn04' }));
    const seconds = (performance.now() - startedMs) / 1000;
    const { rack1, rack2 } = grown;
    for (const bytes of [rack1?.upBytes ?? 0, rack2?.downBytes ?? 0]) {
      assert.ok(bytes > MIB && bytes < MIB + SPARE_BYTES, `${bytes} bytes`);
      assert.ok(bytes / seconds < 1.1 * rateBytesPerSecond(UPLINK_RATE), `${seconds} s`);
    }
    for (const bytes of [rack1?.downBytes ?? 0, rack2?.upBytes ?? 0]) {
      assert.ok(bytes > 0 && bytes < SPARE_BYTES, `${bytes} bytes of acknowledgements`);
    }
  });

  void it('`uplinkBytes` counts nothing to speak of when a rack keeps to itself', async () => {
    const grown = await growth(lab, async () => send(lab, { from: 'kn01', to: 'kn03' }));
    for (const { upBytes, downBytes } of Object.values(grown)) {
      assert.ok(upBytes + downBytes < 10_000, `${upBytes} up, ${downBytes} down`);
    }
  });

  void it('`startLab` lets the frontend and nodes of every rack reach each other', async () => {
    for (const node of lab.nodes) {
      const there = await lab.run(lab.frontend, ssh(lab, node.name, 'hostname'));
      assert.equal(there.trim(), node.name);
      const back = await lab.run(node, ssh(lab, lab.frontend.name, 'hostname'));
      assert.equal(back.trim(), lab.frontend.name);
    }
  });

  void it('`describeLab` mentions racks', () => {
    const state = listLabs().find(({ name }) => name === lab.name);
    assert.ok(state !== undefined);
    assert.match(describeLab(state), /: 5 nodes at 400mbit in 2 racks, uplinks at 20mbit, /);
  });
});

type Growth = Record<string, Awaited<ReturnType<Lab['uplinkBytes']>>>;

/** By how much the counters of each rack's uplink grow meanwhile. */
async function growth(lab: Lab, meanwhile: () => Promise<void>): Promise<Growth> {
  const read = async (): Promise<Awaited<ReturnType<Lab['uplinkBytes']>>[]> =>
    Promise.all(lab.racks.map((rack) => lab.uplinkBytes(rack)));
  const earlier = await read();
  await meanwhile();
  const later = await read();
  const grown = later.map((now, index) => {
    const { upBytes = 0, downBytes = 0 } = earlier[index] ?? {};
    return { upBytes: now.upBytes - upBytes, downBytes: now.downBytes - downBytes };
  });
  return Object.fromEntries(lab.racks.map((rack, index) => [rack.name, grown[index]])) as Growth;
}

/** Sends one MiB from a node to another one. */
async function send(lab: Lab, way: { readonly from: string; readonly to: string }): Promise<void> {
  const from: LabHost = lab.host(way.from);
  const receive = ssh(lab, way.to, "'cat >/dev/null'").join(' ');
  await lab.run(from, ['sh', '-c', `head -c ${MIB} /dev/zero | ${receive}`]);
}

function ssh(lab: Lab, ...argv: readonly string[]): readonly string[] {
  return ['ssh', '-F', lab.sshConfig, ...argv];
}

/** What a tool prints in the namespace with the bridges. */
async function inNetwork(lab: Lab, ...argv: readonly string[]): Promise<string> {
  return runTool(['ip', 'netns', 'exec', `${lab.name}-network`, ...argv]);
}

/** The names of a bridge's ports, in alphabetical order. */
async function portsOf(lab: Lab, bridge: string): Promise<readonly string[]> {
  const links = await inNetwork(lab, 'ip', '-json', 'link', 'show', 'master', bridge);
  return (JSON.parse(links) as { readonly ifname: string }[]).map(({ ifname }) => ifname).sort();
}
