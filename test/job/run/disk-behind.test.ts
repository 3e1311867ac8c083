import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { KgetError } from '../../../src/base/error.ts';
import type { DeployedFile, FoundVm } from '../../../src/control/host-calls.ts';
import type { Host } from '../../../src/job/hosts/hosts.ts';
import { diskBehind } from '../../../src/job/run/disk-behind.ts';
import type { JobPorts } from '../../../src/job/run/ports.ts';
import { diskOf } from '../../../src/job/run/want-vm.ts';
import { idleClock } from '../../coordinator/idle-clock.ts';
import { fakeHost, foundVm } from '../fake-host.ts';
import { submitted } from '../record/sample.ts';

const { job, image, inputs, spec } = submitted({ bootFrom: 'store' });
const PARTS = { job, image, inputs, spec };
const DISK = diskOf(image);
const URL = 'nbd://10.0.0.1:4711/disk';
const NEVER = new AbortController().signal;
const GONE = new KgetError('unreachable', 'no route');

interface World {
  /** What a deployment to a node comes to, try for try; then it is there. */
  readonly tries?: Readonly<Record<string, readonly KgetError[]>>;
  /** Nodes that have the disk. */
  readonly present?: readonly string[];
  /** Why machines cannot be switched, try for try; then they can. */
  readonly refusals?: readonly KgetError[];
  readonly serveDisk?: JobPorts['serveDisk'];
  /** The disk comes when this is resolved. */
  readonly comes?: Promise<void>;
}

/** Two nodes with a machine each, and all that happens there, as text. */
function worldOf({ tries = {}, present = [], refusals = [], comes, serveDisk }: World = {}) {
  const said: string[] = [];
  const stop = new AbortController();
  const lost = new AbortController();
  const left = new Map(Object.entries(tries).map(([node, errors]) => [node, [...errors]]));
  const refused = [...refusals];
  const machines = new Map<string, FoundVm[]>([
    ['kn01', [foundVm({ name: `${job}.1` })]],
    ['kn02', [foundVm({ name: `${job}.2` })]],
  ]);
  const hostOf = (node: string): Host =>
    fakeHost(node, {
      present: async ({ files }) => ({
        digests: present.includes(node) ? files.map(({ digest }) => digest) : [],
      }),
      look: async () => ({ vms: machines.get(node) ?? [] }),
      async 'switch-base'({ vm }) {
        const failure = refused.shift();
        if (failure !== undefined) throw failure;
        said.push(`${vm} switched`);
        return {};
      },
    });
  const hosts = new Map(['kn01', 'kn02'].map((node) => [node, hostOf(node)]));
  const deploy: JobPorts['deploy'] = async (files, to, signal, onArrived) => {
    said.push(`deploy to ${to.map(({ node }) => node).join(',')}`);
    assert.deepEqual(files, [DISK]);
    await comes;
    if (signal.aborted) return new Map(to.map(({ node }) => [node, GONE]));
    const failures = to.flatMap(({ node }) => {
      const failure = left.get(node)?.shift();
      if (failure === undefined) onArrived?.(node);
      return failure === undefined ? [] : [[node, failure] as const];
    });
    return new Map(failures);
  };
  const served = {
    url: URL,
    lost: lost.signal,
    [Symbol.asyncDispose]: async () => void said.push('served no more'),
  };
  const behind = diskBehind(PARTS, {
    nodes: hosts.keys(),
    hostOf: (node) => hosts.get(node),
    hasMachines: () => true,
    ports: {
      clock: idleClock(),
      signal: stop.signal,
      say: (text) => said.push(text),
      deploy,
      serveDisk: serveDisk ?? (async () => served),
    },
  });
  const urlOf = async (vm: number): Promise<string | null | undefined> =>
    behind.urlOf?.({ vm: `${job}.${vm}`, node: `kn0${vm}` }, NEVER);
  return { behind, said, machines, stop, lost, urlOf, hosts: [...hosts.values()] };
}

async function cannotServe(): Promise<never> {
  throw new KgetError('unreachable', 'no port');
}

void suite('diskBehind', () => {
  void test('`first` leaves out the disk, and nothing for a job that boots from the cache', () => {
    const other: DeployedFile = { digest: 'ef'.repeat(32), sizeBytes: 1 };
    assert.deepEqual(worldOf().behind.first([DISK, other]), [other]);
    const options = {
      nodes: [],
      hostOf: () => undefined,
      hasMachines: () => false,
      ports: undefined as never,
    };
    const plain = diskBehind({ ...PARTS, spec: { ...spec, bootFrom: 'cache' } }, options);
    assert.deepEqual(plain.first([DISK, other]), [DISK, other]);
    assert.equal(plain.urlOf, undefined);
  });

  void test('machines read over NBD until the disk has come, and then on their nodes', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { behind, said, urlOf, hosts } = worldOf({ comes: promise });
    await behind.begin(hosts);
    assert.equal(await urlOf(1), URL);
    resolve();
    behind.allMade();
    assert.deepEqual(await behind.end({ keep: true, signal: NEVER }), new Map());
    assert.equal(await urlOf(2), null);
    assert.deepEqual(said.toSorted(), [
      `${job}.1 switched`,
      `${job}.2 switched`,
      'deploy to kn01,kn02',
      'served no more',
    ]);
  });

  void test('a machine that is made while others are switched is switched, too', async () => {
    const { behind, said, machines, hosts } = worldOf();
    await behind.begin(hosts);
    const clock = idleClock();
    await clock.sleep(10);
    machines.set('kn01', [foundVm({ name: `${job}.1` }), foundVm({ name: `${job}.3` })]);
    behind.allMade();
    await behind.end({ keep: true, signal: NEVER });
    assert.ok(said.includes(`${job}.3 switched`));
  });

  void test('nothing is served or brought when all nodes have the disk', async () => {
    const { behind, said, urlOf, hosts } = worldOf({
      present: ['kn01', 'kn02'],
      serveDisk: async () => assert.fail('nobody reads it'),
    });
    await behind.begin(hosts);
    assert.equal(await urlOf(1), null);
    behind.allMade();
    await behind.end({ keep: true, signal: NEVER });
    assert.deepEqual([...new Set(said)].toSorted(), [`${job}.1 switched`, `${job}.2 switched`]);
  });

  void test('a node that cannot have the disk is tried again, and it is told once', async () => {
    const { behind, said, urlOf, hosts } = worldOf({ tries: { kn02: [GONE, GONE] } });
    await behind.begin(hosts);
    behind.allMade();
    for (let look = 0; !said.includes(`${job}.2 switched`) && look < 1000; look += 1) {
      await new Promise(setImmediate);
    }
    assert.equal(await urlOf(2), null);
    assert.equal(said.filter((line) => line === 'kn02: no route').length, 1);
    assert.equal(said.filter((line) => line === 'deploy to kn02').length, 2);
    await behind[Symbol.asyncDispose]();
  });

  void test('`end` tells which machines that are kept do not have their disk', async () => {
    const many = Array.from({ length: 99 }, () => GONE);
    const { behind, said, hosts } = worldOf({ tries: { kn02: many } });
    await behind.begin(hosts);
    behind.allMade();
    const left = await behind.end({ keep: true, signal: NEVER });
    assert.deepEqual([...left.keys()], ['kn02']);
    assert.ok(!said.includes('served no more'));
    await behind[Symbol.asyncDispose]();
    assert.ok(said.includes('served no more'));
  });

  void test('a refusal to switch is told and tried again', async () => {
    const busy = new KgetError('usage', 'a snapshot is being taken');
    const { behind, said, hosts } = worldOf({ refusals: [busy, busy, busy] });
    await behind.begin(hosts);
    behind.allMade();
    assert.deepEqual(await behind.end({ keep: true, signal: NEVER }), new Map());
    const told = said.filter((line) => line.endsWith(busy.message));
    assert.ok(told.length >= 1 && told.length <= 2, String(said));
    assert.ok(said.includes(`${job}.1 switched`) && said.includes(`${job}.2 switched`));
  });

  void test('machines wait for the disk when it cannot be served', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { behind, said, urlOf, hosts } = worldOf({
      comes: promise,
      serveDisk: cannotServe,
      tries: { kn02: [GONE] },
    });
    await behind.begin(hosts);
    const [one, two] = [urlOf(1), urlOf(2)];
    resolve();
    assert.equal(await one, null);
    await assert.rejects(two, /no route/);
    assert.ok(said.some((line) => /cannot be served: no port/.test(line)));
    behind.allMade();
    await behind[Symbol.asyncDispose]();
  });

  void test('machines wait for the disk when nobody serves it any more', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { behind, said, urlOf, lost, hosts } = worldOf({ comes: promise });
    await behind.begin(hosts);
    assert.equal(await urlOf(1), URL);
    lost.abort();
    const two = urlOf(2);
    resolve();
    assert.equal(await two, null);
    assert.ok(said.some((line) => /not served any more/.test(line)));
    behind.allMade();
    await behind[Symbol.asyncDispose]();
  });

  void test('Ctrl-C ends all, and it is told that machines read from here', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { behind, said, urlOf, stop, hosts } = worldOf({ comes: promise });
    await behind.begin(hosts);
    await urlOf(1);
    stop.abort();
    resolve();
    await behind[Symbol.asyncDispose]();
    assert.ok(
      said.some((line) =>
        line.startsWith('Machines that read their disk from this host: 1. They stand still'),
      ),
    );
    assert.equal(said.at(-1), 'served no more');
  });
});
