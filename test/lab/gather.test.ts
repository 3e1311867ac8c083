import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { outputOf, startGather } from '../../lab/gather.ts';
import type { Lab } from '../../lab/lab.ts';
import { processesIn } from '../../lab/processes.ts';
import { missingForLab } from '../../lab/requirements.ts';
import { startLab } from '../../lab/start.ts';
import { frontendReport } from '../../src/report/frontend.ts';
import { parseReport } from '../../src/report/json.ts';
import type { RunReport } from '../../src/report/record.ts';
import { ext4Image, findMke2fs, incompressibleImage } from '../../src/samples/images.ts';

const missing = missingForLab();
const skip = missing.length > 0 && missing.join('; ');
const MiB = 1024 * 1024;

void suite('gather over real sshd', { skip, timeout: 240_000 }, () => {
  void test('`gather` brings six real images at shaped rates, one sender at a time', async () => {
    await using lab = await startLab({ nodes: 6, rate: '80mbit' });
    await makeImages(lab, async (path, seed) => {
      const options = { sizeBytes: 64 * MiB, ownBytes: 4 * MiB, seed };
      await (findMke2fs() === undefined
        ? incompressibleImage(path, 8 * MiB, seed)
        : ext4Image(path, { ...options, baseDirectories: ['/usr/share', '/usr/lib'] }));
    });
    const run = await startGather(lab, ['-w', 'kn[01-06]', '/labnode/disk.img']).ended;
    assert.equal(run.exitCode, 0, run.stderr);
    const report = parseReport({ text: run.report ?? '', file: 'report.json' });
    compareImages(lab);
    assert.equal(report.summary.safe, 6);
    assert.equal(frontendReport(report.transfers, 1).maxSenders, 1);
    assert.ok(report.nodes.every((node) => node.state === 'released'));
    assert.ok(
      report.transfers.some((transfer) => transfer.to !== 'frontend'),
      'some were relayed',
    );
    assert.ok(report.summary.frontendWireBytes < 0.5 * report.summary.logicalBytes);
    assertNothingLeft(lab);
  });

  void test('`gather` runs its agents on a Node.js 20 of the nodes', async (context) => {
    const system = '/usr/bin/node';
    const version = spawnSync(system, ['--version'], { encoding: 'utf8' }).stdout ?? '';
    if (!/^v2\d/.test(version)) return context.skip(`${system} is no Node.js 20 or newer`);
    await using lab = await startLab({ nodes: 2, rate: '80mbit' });
    await makeImages(lab, (path, seed) => incompressibleImage(path, 3 * MiB, seed));
    const words = ['-w', 'kn[01-02]', '/labnode/disk.img', '--remote-node', system];
    const run = await startGather(lab, words).ended;
    assert.equal(run.exitCode, 0, run.stderr);
    compareImages(lab);
  });

  void test('`gather` goes on after Ctrl-C, and fetches nothing twice that had arrived', async () => {
    await using lab = await startLab({ nodes: 4, rate: '40mbit' });
    const size = 6 * MiB;
    await makeImages(lab, (path, seed) => incompressibleImage(path, size, seed));
    const words = ['-w', 'kn[01-04]', '/labnode/disk.img'];
    const first = startGather(lab, words);
    await firstLine(first.stderr, /released/);
    first.interrupt();
    const interrupted = await first.ended;
    assert.equal(interrupted.exitCode, 130, interrupted.stderr);
    assert.match(interrupted.stderr, /same command again/);
    const again = await startGather(lab, words).ended;
    assert.equal(again.exitCode, 0, again.stderr);
    compareImages(lab);
    const [before, both] = [interrupted, again].map(({ report }) => doneBytes(reportOf(report)));
    assert.ok((both ?? 0) > (before ?? 0), 'the report is that of both parts');
    assert.ok((both ?? 0) < 1.02 * 4 * size, 'images that had arrived came again');
    assertNothingLeft(lab);
  });

  void test('`gather` loses only what was on a node that dies', async () => {
    await using lab = await startLab({ nodes: 5, rate: '40mbit' });
    await makeImages(lab, (path, seed) => incompressibleImage(path, 4 * MiB, seed));
    const running = startGather(lab, ['-w', 'kn[01-05]', '/labnode/disk.img']);
    await firstLine(running.stderr, /is safe/);
    const [victim] = lab.nodes.toReversed();
    assert.ok(victim !== undefined);
    await lab.run(lab.frontend, ['pkill', '-KILL', '-f', `ssh.* ${victim.name}`]).catch(() => {});
    const run = await running.ended;
    const report = reportOf(run.report);
    const lost = report.images.filter((image) => image.state === 'missing');
    assert.ok(
      lost.every((image) => image.node === victim.name),
      run.stderr,
    );
    assert.equal(run.exitCode, report.nodes.every((n) => n.state === 'released') ? 0 : 3);
  });
});

async function makeImages(
  lab: Lab,
  make: (path: string, seed: string) => Promise<void>,
): Promise<void> {
  await Promise.all(lab.nodes.map((node) => make(join(node.labnode, 'disk.img'), node.name)));
}

function compareImages(lab: Lab): void {
  for (const node of lab.nodes) {
    const original = join(node.labnode, 'disk.img');
    const copy = join(outputOf(lab), node.name, 'disk.img');
    assert.equal(spawnSync('cmp', [original, copy]).status, 0, `${copy} is like ${original}`);
    assert.ok(statSync(copy).blocks <= statSync(original).blocks + 64, 'the copy is sparse, too');
  }
}

/** No agent runs any more, and every spool is empty. */
function assertNothingLeft(lab: Lab): void {
  for (const node of lab.nodes) {
    const commands = processesIn([node.namespace]).map(commandOf);
    assert.deepEqual(
      commands.filter((command) => command.includes('agent-')),
      [],
    );
    assert.deepEqual(readdirSync(join(node.labnode, 'home/.cache/kgetplus/spool')), []);
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

/** Resolves at the first line that matches. */
async function firstLine(stream: NodeJS.ReadableStream, pattern: RegExp): Promise<void> {
  let seen = '';
  await new Promise<void>((resolve) => {
    stream.on('data', (chunk: Buffer) => {
      seen += chunk.toString();
      if (pattern.test(seen)) resolve();
    });
  });
}

function reportOf(text: string | undefined): RunReport {
  return parseReport({ text: text ?? '', file: 'report.json' });
}

/** What durable transfers to the frontend have cost on the wire. */
function doneBytes(report: RunReport): number {
  const done = report.transfers.filter(({ to, state }) => to === 'frontend' && state === 'done');
  return done.reduce((sum, transfer) => sum + transfer.wireBytes, 0);
}
