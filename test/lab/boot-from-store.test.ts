import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { startLab } from '../../lab/start.ts';
import { assertNoMachinesLeft, missingForVms, vmLab, type VmLab } from './vm-lab.ts';

const missing = missingForVms();
const skip = missing.length > 0 && missing.join('; ');
const POLL_MS = 50;
const UNTIL_LIMIT_MS = 60_000;

/** It takes longer to come, over the link of the lab, than machines take to be made. */
const NOISE = randomBytes(24 * 1024 * 1024);
const SUM = createHash('md5').update(NOISE).digest('hex');

const JOB = `
name: early
nodes: kn[01-02]
image: noisy
memory: 128MiB
boot-from: store
boot-limit: 2min
command: |
  md5sum /srv/noise > before.txt
  sleep 8
  echo 3 > /proc/sys/vm/drop_caches
  md5sum /srv/noise > after.txt
outputs: [before.txt, after.txt]
`;

/** A tiny image with noise in it that cannot be compressed. */
function buildNoisy(vms: VmLab): void {
  const directory = mkdtempSync(join(tmpdir(), 'kgetplus-noise-'));
  try {
    writeFileSync(join(directory, 'noise'), NOISE);
    const recipe = join(directory, 'recipe.yaml');
    const files = 'files: [{from: noise, to: /srv/noise}]';
    writeFileSync(recipe, `name: noisy\nfrom: {busybox: true}\nsize: 128MiB\n${files}\n`);
    vms.build(recipe);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Where the machines of the lab read their disks, by their records: null for the file. */
function disksOf(vms: VmLab, job: string): (string | null | undefined)[] {
  return vms.lab.nodes.map(({ name, labnode }, at) => {
    const own = join(labnode, 'home/.local/share/kgetplus', name, 'vms', `${job}.${at + 1}`);
    const record = join(own, 'machine.json');
    if (!existsSync(record)) return undefined;
    const { wanted } = JSON.parse(readFileSync(record, 'utf8')) as {
      wanted: { disk: { nbdUrl: string | null } };
    };
    return wanted.disk.nbdUrl;
  });
}

function areStarted({ lab }: VmLab, job: string): boolean {
  return lab.nodes.every(({ name, labnode }, at) => {
    const qemu = join(labnode, 'home/.local/share/kgetplus', name, 'hypervisor/qemu');
    return existsSync(join(qemu, `${job}.${at + 1}`, 'pid'));
  });
}

async function until<T>(what: string, look: () => T | undefined): Promise<T> {
  const startMs = performance.now();
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    assert.ok(performance.now() - startMs < UNTIL_LIMIT_MS, `waited too long for ${what}`);
    await delay(POLL_MS);
  }
}

/** Submits the job, and waits until its machines are made; they read over the network. */
async function begun(vms: VmLab) {
  const file = vms.put('job.yaml', JOB);
  const driver = vms.start(['job', 'submit', file, ...vms.reach]);
  const job = await vms.until('the job to be noted', async () => {
    const { exitCode, stdout } = await vms.start(['job', 'show', 'latest', '--json']).ended;
    return exitCode === 0 ? (JSON.parse(stdout) as { job: string }).job : undefined;
  });
  // As they are made: what has come meanwhile does not count.
  const first: (string | null | undefined)[] = [];
  await until('machines to be made', () => {
    for (const [at, disk] of disksOf(vms, job).entries()) first[at] ??= disk;
    return first.includes(undefined) ? undefined : true;
  });
  for (const url of first) assert.match(url ?? 'the file', /^nbd:\/\/[\d.]+:\d+\/[0-9a-f-]+$/);
  return { driver, job };
}

function assertOutputs(vms: VmLab, job: string): void {
  for (const number of [1, 2]) {
    const outputs = join(vms.store, 'jobs', job, 'outputs', `${job}.${number}`);
    for (const name of ['before.txt', 'after.txt']) {
      assert.equal(readFileSync(join(outputs, name), 'utf8'), `${SUM}  /srv/noise\n`);
    }
  }
}

void suite('jobs that boot from the store', { skip, timeout: 300_000 }, () => {
  void test('machines boot before their disk has come, and go on from it', async (context) => {
    await using lab = await startLab({ nodes: 2, rate: '40mbit' });
    const vms = vmLab(lab);
    buildNoisy(vms);
    const { driver, job } = await begun(vms);
    const startMs = performance.now();
    await until('machines to read their disks on their nodes', () => {
      const disks = disksOf(vms, job);
      return disks.every((url) => url === null) ? true : undefined;
    });
    context.diagnostic(
      `switched ${Math.round(performance.now() - startMs)} ms after both were made`,
    );
    const ended = await driver.ended;
    assert.equal(ended.exitCode, 0, ended.stderr);
    context.diagnostic(ended.stderr.trim().replaceAll('\n', ' | '));
    assertOutputs(vms, job);
    assertNoMachinesLeft(lab);
  });

  void test('machines go on when their command was killed before their disk had come', async (context) => {
    await using lab = await startLab({ nodes: 2, rate: '40mbit' });
    const vms = vmLab(lab);
    buildNoisy(vms);
    const { driver, job } = await begun(vms);
    await until('machines to run', () => (areStarted(vms, job) ? true : undefined));
    const early = disksOf(vms, job).filter((url) => url !== null).length;
    context.diagnostic(`${early} machines read over the network when the command was killed`);
    driver.kill('SIGKILL');
    await driver.ended;
    const waited = await vms.run(['job', 'wait', job]);
    context.diagnostic(waited.stderr.trim().replaceAll('\n', ' | '));
    assertOutputs(vms, job);
    assertNoMachinesLeft(lab);
  });
});
