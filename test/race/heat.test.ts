import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { layImages, parseImageSpec } from '../../lab/images.ts';
import { missingForLab } from '../../lab/requirements.ts';
import { startLab } from '../../lab/start.ts';
import { runHeat } from '../../race/heat.ts';
import { openProcessGroup } from '../../race/use.ts';
import type { Lab } from '../../lab/lab.ts';
import type { Contender, Place } from '../../race/contenders.ts';
import type { HeatRecord } from '../../race/record.ts';

const missing = missingForLab();
const skip = missing.length > 0 && missing.join('; ');

const IMAGE_BYTES = 1024 * 1024;

void describe('a heat', { skip, timeout: 60_000 }, () => {
  let lab: Lab;
  before(async () => {
    lab = await startLab({ nodes: 2, rate: '80mbit' });
    await layImages(lab, parseImageSpec('incompressible:1MiB'));
  });
  after(async () => lab.stop());

  /** Runs a shell command as a contender whose images arrive as `out/NODE.img`. */
  async function heat(
    script: (copyOf: (node: string) => string) => string,
    change: { readonly releases?: true; readonly limitSeconds?: number } = {},
  ): Promise<HeatRecord> {
    const contender: Contender = {
      name: 'shell',
      tools: {},
      version: 'true',
      command: (place) => script((node) => copy(place, node)),
      arrival: { kind: 'file', path: (node) => `out/${node}.img` },
      releases: change.releases === true,
    };
    const frontend = openProcessGroup(`${lab.name}-frontend`);
    const nodes = openProcessGroup(`${lab.name}-nodes`);
    const record = await runHeat({
      lab,
      contender,
      place: { nodes: lab.nodes.map((node) => node.name), sshConfig: lab.sshConfig },
      round: 1,
      limitSeconds: change.limitSeconds ?? 30,
      groups: { frontend, nodes },
      imageBytes: new Map(lab.nodes.map((node) => [node.name, IMAGE_BYTES])),
      signal: new AbortController().signal,
    });
    frontend.remove();
    nodes.remove();
    return record;
  }

  void it('`runHeat` finds when each image came, and what crossed the links', async () => {
    const record = await heat((copyOf) => `${copyOf('kn01')} && sleep 0.3 && ${copyOf('kn02')}`);
    assert.equal(record.exitCode, 0, record.complaint);
    const [first, second] = record.nodes;
    assert.ok(first && second);
    assert.deepEqual(
      record.nodes.map((node) => node.isIdentical),
      [true, true],
    );
    assert.ok((first.completeSeconds ?? 99) + 0.25 < (second.completeSeconds ?? 0));
    assert.ok((second.completeSeconds ?? 99) <= record.seconds + 0.1);
    assert.equal(first.releasedSeconds, first.completeSeconds);
    assert.ok(record.frontendBytes > 2 * IMAGE_BYTES, `${record.frontendBytes}`);
    assert.ok(record.frontendBytes < 3 * IMAGE_BYTES, `${record.frontendBytes}`);
    assert.ok(record.nodesBytes > 2 * IMAGE_BYTES, `${record.nodesBytes}`);
    assert.ok((record.frontendUse.cpuSeconds ?? 1) > 0);
  });

  void it('`runHeat` does not take a changed or missing image for a good one', async () => {
    const record = await heat(
      (copyOf) => `${copyOf('kn01')}; printf X | dd of=out/kn01.img seek=9 conv=notrunc`,
    );
    const [changed, absent] = record.nodes;
    assert.equal(changed?.isIdentical, false);
    assert.ok((changed?.completeSeconds ?? null) !== null);
    assert.deepEqual([absent?.isIdentical, absent?.completeSeconds], [false, null]);
  });

  void it('`runHeat` takes a node away as soon as it is released', async () => {
    const record = await heat(
      (copyOf) => `touch released/kn01; sleep 1; ${copyOf('kn01')}; ${copyOf('kn02')}`,
      {
        releases: true,
      },
    );
    const [tooEarly, kept] = record.nodes;
    assert.ok((tooEarly?.releasedSeconds ?? null) !== null);
    assert.equal(tooEarly?.completeSeconds, null);
    assert.equal(kept?.isIdentical, true);
    // It is there again for the next heat.
    await lab.run(lab.frontend, ['ssh', '-F', lab.sshConfig, 'kn01', 'true']);
  });

  void it('`runHeat` leaves later heats alone when the limit of an earlier one has passed', async () => {
    await heat(() => 'true', { limitSeconds: 1 });
    const record = await heat(() => 'sleep 2');
    assert.equal(record.exitCode, 0, record.complaint);
  });

  void it('`runHeat` stops a command that takes too long', async () => {
    const record = await heat((copyOf) => `${copyOf('kn01')}; sleep 60`, { limitSeconds: 2 });
    assert.notEqual(record.exitCode, 0);
    assert.match(record.complaint, /stopped after 2 s/);
    assert.ok(record.seconds < 30);
    assert.equal(record.nodes[0]?.isIdentical, true);
  });
});

function copy({ sshConfig }: Place, node: string): string {
  return `scp -q -o ConnectTimeout=1 -F ${sshConfig} ${node}:/labnode/disk.img out/${node}.img`;
}
