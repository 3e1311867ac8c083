import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { Lab } from '../../lab/lab.ts';
import { killProcesses, processesIn } from '../../lab/processes.ts';
import { startLab } from '../../lab/start.ts';
import { assertNoMachinesLeft, missingForVms, vmLab, type VmLab } from './vm-lab.ts';

const missing = missingForVms();
const skip = missing.length > 0 && missing.join('; ');
const TINY = join(import.meta.dirname, '../../recipes/tiny/recipe.yaml');

/** A job of one machine a node; each is called by what goes wrong with it. */
function jobFile(name: string, nodes: string, command: string): string {
  const lines = command.split('\n').map((line) => `  ${line}`);
  return [
    `name: ${name}`,
    `nodes: ${nodes}`,
    'image: tiny',
    'memory: 128MiB',
    'shutdown-limit: 10s',
    'on-failure: {snapshot: disk}',
    'outputs: [result.txt]',
    'command: |',
    ...lines,
    '',
  ].join('\n');
}

interface ShownJob {
  readonly job: string;
  readonly phase: string;
  readonly machines: readonly { readonly vm: string; readonly state: string }[];
}

void suite('jobs under faults', { skip, timeout: 400_000, concurrency: 1 }, () => {
  let lab: Lab;
  let vms: VmLab;
  before(async () => {
    lab = await startLab({ nodes: 3, rate: '200mbit' });
    vms = vmLab(lab);
    vms.build(TINY);
  });
  after(async () => {
    await lab?.[Symbol.asyncDispose]();
  });

  function submit(name: string, nodes: string, command: string) {
    const file = vms.put(`${name}.yaml`, jobFile(name, nodes, command));
    return vms.start(['job', 'submit', file, ...vms.reach]);
  }

  /** The job of this name when its first machines are as wanted. */
  async function untilShown(name: string, wanted: readonly string[]): Promise<ShownJob> {
    return await vms.until(`job ${name}: ${wanted.join(', ')}`, async () => {
      const { exitCode, stdout } = await vms.start(['job', 'show', name, '--json']).ended;
      if (exitCode !== 0) return undefined;
      const shown = JSON.parse(stdout) as ShownJob;
      return wanted.every((state, place) => shown.machines[place]?.state === state)
        ? shown
        : undefined;
    });
  }

  function namespaceOf(node: string): string {
    return lab.nodes.find(({ name }) => name === node)?.namespace ?? assert.fail(node);
  }

  void test('a job file that is no good is refused with exit code 2, and nothing is done', async () => {
    const file = vms.put('wrong.yaml', jobFile('Wrong', 'kn01', 'true').replace('MiB', 'MeB'));
    const { stderr } = await vms.run(['job', 'submit', file, ...vms.reach], 2);
    assert.match(stderr, /name/);
    assert.match(stderr, /memory/);
    assert.match((await vms.run(['job', 'ls', '--json'])).stdout, /"jobs": \[\]|\[\]/);
  });

  void test('a guest that panics and a command that is not there fail their jobs only', async () => {
    const panic = submit('panic', 'kn01', 'echo c > /proc/sysrq-trigger\nsleep 60');
    const absent = submit('absent', 'kn02', 'no-such-program --please');
    const [panicked, notFound] = await Promise.all([panic.ended, absent.ended]);
    assert.equal(panicked.exitCode, 4, panicked.stderr);
    assert.match(panicked.stderr, /\.1 on kn01: panicked: the kernel of the guest panicked/);
    assert.equal(notFound.exitCode, 4, notFound.stderr);
    assert.match(notFound.stderr, /\.1 on kn02: exit 127/);
    const { stdout } = await vms.run(['job', 'logs', 'absent']);
    assert.match(stdout, /no-such-program.*not found/);
    // Of the other guest there was nothing to take one of any more.
    assert.match((await vms.run(['ls'])).stdout, /kn02 +absent-.*\.1-root\.raw/);
    assertNoMachinesLeft(lab);
  });

  void test('a machine whose QEMU is killed fails its job, and one that is cancelled leaves nothing', async () => {
    const killed = submit('killed', 'kn01', 'sleep 300');
    const cancelled = submit('cancelled', 'kn02', 'sleep 300');
    await untilShown('killed', ['running']);
    await killProcesses([namespaceOf('kn01')], (command) => command.includes('qemu-system'));
    await untilShown('cancelled', ['running']);
    await vms.run(['job', 'cancel', 'cancelled']);
    const [one, other] = await Promise.all([killed.ended, cancelled.ended]);
    assert.equal(one.exitCode, 4, one.stderr);
    assert.match(one.stderr, /\.1 on kn01: killed/);
    assert.match(other.stdout, /cancelled/);
    assertNoMachinesLeft(lab);
  });

  void test('a node that dies while a job runs holds up that node only, and is named', async () => {
    const command = 'case $KGETPLUS_VM in *.1) sleep 20;; esac\necho fine > result.txt';
    const driver = submit('dying', 'kn[01-02]', command);
    const { job } = await untilShown('dying', ['running', 'ended']);
    await killProcesses([namespaceOf('kn02')]);
    assert.deepEqual(processesIn([namespaceOf('kn02')]), []);
    const { exitCode, stderr } = await driver.ended;
    assert.equal(exitCode, 3, stderr);
    assert.match(stderr, /Left on kn02: /);
    assert.match(stderr, new RegExp(`kgetplus job wait ${job} tries again`));
    const result = join(vms.store, 'jobs', job, 'outputs', `${job}.1`, 'result.txt');
    assert.equal(readFileSync(result, 'utf8'), 'fine\n');
    const { phase } = await untilShown('dying', ['removed', 'ended']);
    assert.equal(phase, 'ending');
    assertNoMachinesLeft({ ...lab, nodes: lab.nodes.filter(({ name }) => name !== 'kn02') });
  });
});
