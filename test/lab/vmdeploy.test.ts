import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { startLab } from '../../lab/start.ts';
import { assertNoMachinesLeft, missingForVms, vmLab, type VmLab } from './vm-lab.ts';

const missing = missingForVms();
const skip = missing.length > 0 && missing.join('; ');
const TINY = join(import.meta.dirname, '../../recipes/tiny/recipe.yaml');

/** Counts the seconds of its own life, aloud. */
const COUNTER = `
name: count
nodes: kn[01-04]
image: tiny
memory: 128MiB
inputs: [greeting.txt]
command: |
  cat greeting.txt
  i=0
  while [ $i -lt 150 ]; do
    i=$((i+1)); echo count $i; echo $i > counter
    sleep 1
  done
  echo "$KGETPLUS_VM counted to $(cat counter)" > result.txt
outputs: [result.txt]
time-limit: 8min
on-success: {snapshot: disk}
`;

/** A job under way: its id, and what its machines have counted to. */
async function submitted(vms: VmLab, file: string, more: readonly string[] = []) {
  const driver = vms.start(['job', 'submit', file, '--booting', '2', ...vms.reach, ...more]);
  const job = await vms.until('the job to run', async () => {
    const { exitCode, stdout } = await vms.start(['job', 'show', 'latest', '--json']).ended;
    if (exitCode !== 0) return undefined;
    const shown = JSON.parse(stdout) as { job: string; phase: string };
    return shown.phase === 'running' ? shown.job : undefined;
  });
  const countOf = async (vm: number): Promise<number> => {
    const { stdout } = await vms.run(['job', 'logs', `${job}.${vm}`]);
    return Number(/count (\d+)\s*$/.exec(stdout)?.[1] ?? 0);
  };
  return { driver, job, countOf };
}

interface CutJson {
  readonly run: string;
  readonly vms: readonly {
    readonly vm: string;
    readonly node: string;
    readonly frozen: boolean;
    readonly pausedMs: number;
    readonly mode: string;
    readonly dirtyBytes: number | null;
    readonly copiedBytes: number;
  }[];
}

function pausesOf({ vms }: CutJson): string {
  return vms.map(({ pausedMs }) => Math.round(pausedMs)).join(' ');
}

async function snapshot(vms: VmLab, words: readonly string[]): Promise<CutJson> {
  return JSON.parse((await vms.run(['vm', 'snapshot', ...words, '--json'])).stdout) as CutJson;
}

void suite('jobs in virtual machines', { skip, timeout: 900_000 }, () => {
  void test('a job of four machines lives its whole life, on four hosts', async (context) => {
    await using lab = await startLab({ nodes: 4, rate: '200mbit' });
    const vms = vmLab(lab);
    vms.build(TINY);
    vms.put('greeting.txt', 'hello from the frontend\n');
    const file = vms.put('count.yaml', COUNTER);
    const hook = ['--on-release', 'touch /labnode/released-{node}'];
    const { driver, job, countOf } = await submitted(vms, file, hook);

    await vms.run(['vm', 'suspend', `${job}.2`]);
    const asleep = await countOf(2);
    assert.match((await vms.run(['vm', 'ls', `${job}.2`])).stdout, /suspended/);
    assert.equal(await countOf(2), asleep, 'a suspended guest does not count');
    await vms.run(['vm', 'resume', `${job}.2`]);
    await vms.until('it to go on', async () => (await countOf(2)) > asleep || undefined);

    const before = await countOf(1);
    const { stdout: moved } = await vms.run(['vm', 'migrate', `${job}.1`, '--to', 'kn03']);
    context.diagnostic(moved.trim());
    assert.match((await vms.run(['vm', 'ls', `${job}.1`])).stdout, /kn03 +running/);
    await vms.until('it to count on', async () => (await countOf(1)) > before || undefined);

    const saved = await snapshot(vms, [job, '--memory']);
    const savedAt = await countOf(4);
    context.diagnostic(`pauses with memory, ms: ${pausesOf(saved)}`);
    assert.equal(saved.vms.length, 4);
    const one = `${saved.run}/kn04/${job}.4`;
    await vms.run(['vm', 'restore', one, '--to', 'kn02', '--name', 'again', ...vms.reach]);
    const again = join(nodeOf(vms, 'kn02'), 'vms/again/log');
    const counted = await vms.until('the restored guest to count', () => countIn(again));
    assert.ok(counted > 1 && counted <= savedAt + 5, `${counted} after ${savedAt}`);
    await vms.run([
      'gather',
      '-w',
      'kn[01-04]',
      '--vms',
      'aga*',
      '--to',
      '/labnode/vms',
      ...vms.reach,
    ]);
    checkFileSystem(join(lab.frontend.labnode, 'vms/kn02/again-root.raw'));
    await vms.run(['vm', 'remove', 'again', '-w', 'kn02', ...vms.reach]);

    const whole = await snapshot(vms, [job]);
    context.diagnostic(`pauses at one cut, ms: ${pausesOf(whole)}`);
    const first = await snapshot(vms, [`${job}.3`]);
    const second = await snapshot(vms, [`${job}.3`]);
    context.diagnostic(`pauses of one machine, ms: ${pausesOf(first)}, ${pausesOf(second)}`);
    assert.ok(first.vms.every(({ frozen }) => frozen));
    assert.equal(second.vms[0]?.mode, 'incremental');
    const disk = vms.put('restored/.keep', '').replace('/.keep', '');
    const image = `${second.run}/kn03/${job}.3-root.raw`;
    await vms.run(['restore', image, '--to', `${disk}/root.raw`]);
    checkFileSystem(join(lab.frontend.labnode, 'restored/root.raw'));

    const ended = await driver.ended;
    assert.equal(ended.exitCode, 0, ended.stderr);
    const outputs = join(vms.store, 'jobs', job, 'outputs');
    for (const number of [1, 2, 3, 4]) {
      const result = readFileSync(join(outputs, `${job}.${number}`, 'result.txt'), 'utf8');
      assert.equal(result, `${job}.${number} counted to 150\n`);
      const log = readFileSync(
        join(vms.store, 'jobs', job, 'logs', `${job}.${number}.log`),
        'utf8',
      );
      assert.match(log, /^hello from the frontend\n(.*\n)*count 150\n$/);
    }
    const shown = (await vms.run(['job', 'show', job])).stdout;
    assert.match(shown, /State +succeeded/);
    assert.match(shown, /moved here from kn01/);
    await vms.run(['verify']);
    for (const { name } of lab.nodes) {
      assert.ok(existsSync(join(lab.frontend.labnode, `released-${name}`)), `${name} was released`);
    }
    assertNoMachinesLeft(lab);
  });

  void test('a job goes on when its command was killed, and outlives its agents', async () => {
    await using lab = await startLab({ nodes: 2, rate: '200mbit' });
    const vms = vmLab(lab);
    vms.build(TINY);
    const file = vms.put('job.yaml', QUICK);
    const { driver, job } = await submitted(vms, file);
    driver.kill('SIGKILL');
    await driver.ended;
    const waited = await vms.run(['job', 'wait', job], 3);
    assert.match(waited.stdout, /failed/);
    const shown = JSON.parse((await vms.run(['job', 'show', job, '--json'])).stdout) as {
      machines: readonly { exitStatus: number | null }[];
    };
    assert.deepEqual(
      shown.machines.map(({ exitStatus }) => exitStatus),
      [0, 7],
    );
    assertNoMachinesLeft(lab);
  });
});

/** Its second machine fails. */
const QUICK = `
name: quick
nodes: kn[01-02]
image: tiny
memory: 128MiB
command: |
  sleep 12
  case $KGETPLUS_VM in *.2) exit 7;; esac
  echo fine > result.txt
outputs: [result.txt]
`;

function nodeOf({ lab }: VmLab, name: string): string {
  const host = lab.nodes.find((node) => node.name === name);
  assert.ok(host !== undefined);
  return join(host.labnode, 'home/.local/share/kgetplus', name);
}

function countIn(path: string): number | undefined {
  const found = existsSync(path)
    ? /count (\d+)\s*$/.exec(readFileSync(path, 'utf8'))?.[1]
    : undefined;
  return found === undefined ? undefined : Number(found);
}

/** As the guest would find it after a clean shutdown: no journal is left to be replayed. */
function checkFileSystem(path: string): void {
  const { status, stdout } = spawnSync('e2fsck', ['-fn', path], { encoding: 'utf8' });
  assert.equal(status, 0, stdout);
}
