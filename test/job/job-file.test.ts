import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { stringify } from 'yaml';
import { KgetError } from '../../src/base/error.ts';
import { readJobFile } from '../../src/job/job-file.ts';
import type { JobSpec } from '../../src/job/job-spec.ts';
import { temporaryDirectory } from '../control/temporary.ts';

const MIB = 1024 ** 2;
const directory = temporaryDirectory();
writeFileSync(join(directory, 'run.sh'), 'true\n');
mkdirSync(join(directory, 'data'));

const MINIMAL = 'name: count\nnodes: kn[01-04]\nimage: tiny\ncommand: sh run.sh\n';
const WHOLE = `name: count                  # the job
nodes: kn[01-04]
vms-per-node: 2
image: tiny:v2
hypervisor: libvirt
cpus: 3
memory: 128MiB
network: user
inputs: [run.sh, data/, {path: run.sh, as: again.sh}]
command: |
  sh run.sh
  sh again.sh
environment: {A: b, _C2: "7"}
outputs: [result.txt, 'logs/*.log']
output-room: 2GiB
time-limit: 5min
boot-limit: 2min
shutdown-limit: 30s
boot-from: cache
on-success: {snapshot: none, keep: false}
on-failure: {snapshot: disk, keep: true}
`;

function read(text: string): JobSpec {
  return readJobFile({ text, file: 'job.yaml', directory, nodeSets: {} });
}

/** The lines of the error, of which each tells one fault. */
function faults(text: string): string[] {
  try {
    read(text);
  } catch (error) {
    assert(error instanceof KgetError, String(error));
    assert.equal(error.code, 'usage');
    return error.message.split('\n');
  }
  return assert.fail('no error');
}

void suite('readJobFile', () => {
  void test('`readJobFile` fills in defaults when a file says only what it must', () => {
    assert.deepEqual(read(MINIMAL), {
      name: 'count',
      nodes: ['kn01', 'kn02', 'kn03', 'kn04'],
      vmsPerNode: 1,
      image: 'tiny',
      hypervisor: 'qemu',
      cpus: 1,
      memoryBytes: 512 * MIB,
      network: 'none',
      inputs: [],
      command: 'sh run.sh',
      environment: {},
      outputs: [],
      outputRoomBytes: 1024 * MIB,
      timeLimitMs: null,
      bootLimitMs: 180_000,
      shutdownLimitMs: 60_000,
      onSuccess: { snapshot: 'none', keep: false },
      onFailure: { snapshot: 'none', keep: false },
      bootFrom: 'cache',
    });
  });

  void test('`readJobFile` reads every field when all are there', () => {
    assert.deepEqual(read(WHOLE), {
      name: 'count',
      nodes: ['kn01', 'kn02', 'kn03', 'kn04'],
      vmsPerNode: 2,
      image: 'tiny:v2',
      hypervisor: 'libvirt',
      cpus: 3,
      memoryBytes: 128 * MIB,
      network: 'user',
      inputs: [
        { path: join(directory, 'run.sh'), name: 'run.sh' },
        { path: join(directory, 'data'), name: 'data' },
        { path: join(directory, 'run.sh'), name: 'again.sh' },
      ],
      command: 'sh run.sh\nsh again.sh\n',
      environment: { A: 'b', _C2: '7' },
      outputs: ['result.txt', 'logs/*.log'],
      outputRoomBytes: 2048 * MIB,
      timeLimitMs: 300_000,
      bootLimitMs: 120_000,
      shutdownLimitMs: 30_000,
      onSuccess: { snapshot: 'none', keep: false },
      onFailure: { snapshot: 'disk', keep: true },
      bootFrom: 'cache',
    });
  });

  void test('`readJobFile` takes machines that boot from the store when QEMU runs them', () => {
    assert.equal(read(`${MINIMAL}boot-from: store\n`).bootFrom, 'store');
    assert.deepEqual(faults(`${MINIMAL}hypervisor: libvirt\nboot-from: store\n`), [
      'job.yaml:6:1: boot-from: "store" found with the hypervisor "libvirt", wanted "cache": ' +
        'only qemu can go on from an image that arrives later',
    ]);
  });

  void test('`readJobFile` reads the example of its reference', () => {
    const text = readFileSync(join(import.meta.dirname, '../../docs/jobs.md'), 'utf8');
    const example = /```yaml\n(.*?)```/s.exec(text)?.[1] ?? assert.fail('no example');
    const { nodes, environment } = read(example);
    assert.deepEqual([nodes.length, environment], [4, { ROUNDS: '7' }]);
  });

  void test('`readJobFile` takes a list of node sets, each node once', () => {
    const text = MINIMAL.replace('kn[01-04]', '["a[1-2]", a2, b]');
    assert.deepEqual(read(text).nodes, ['a1', 'a2', 'b']);
  });

  /** A line to add, and what must be said about it. */
  const wrong: readonly (readonly [line: string, said: string])[] = [
    ['name: Count', '"Count" found, wanted up to 31 small letters'],
    [`name: ${'a'.repeat(32)}`, 'wanted up to 31 small letters'],
    ['nodes: kn[01-', 'wanted a node set such as node[01-04]: Cannot read the node set: a bracket'],
    ['nodes: a!a', 'wanted a node set with a node in it'],
    ['nodes: 7', 'in quotes'],
    ['nodes: [a, frontend]', 'wanted nodes that are not called "frontend"'],
    ['image: a b', "wanted an image's name"],
    ['image: 1.0', 'put it in quotes'],
    ['vms-per-node: 0', 'wanted a whole number from 1 to 10000'],
    ['vms-per-node: 2501', '4 nodes with 2501 machines each found, 10004 in all, wanted at most'],
    ['hypervisor: xen', 'wanted qemu or libvirt'],
    ['cpus: 1.5', 'wanted a whole number from 1 to 1024'],
    ['memory: 31MiB', 'wanted a size from 32.0 MiB'],
    ['memory: lots', '"lots" found, wanted a size'],
    ['network: bridge', 'wanted none or user'],
    ['inputs: [nix]', `there is no ${join(directory, 'nix')}`],
    ['inputs: [/dev/null]', 'is something else'],
    ['inputs: [run.sh, ./run.sh]', 'wanted another name than "run.sh"'],
    ['inputs: [{path: run.sh, as: ../x}]', 'wanted the name of a file, without /'],
    ['inputs: [{path: run.sh, as: ..}]', 'wanted the name of a file, without /'],
    ['inputs: [{path: run.sh, az: x}]', 'did you mean as?'],
    ['inputs: [/]', 'wanted a path that ends in the name of a file'],
    ['command: " "', 'wanted a shell script'],
    ['command: [a]', 'a list found, wanted a shell script'],
    ['environment: {2A: b}', 'environment.2A'],
    ['environment: {A-B: b}', 'wanted a name of letters'],
    ['environment: {A: 7}', 'put it in quotes'],
    ['outputs: [../x]', 'without ..'],
    ['outputs: [-x]', 'not beginning with -'],
    ['output-room: 0', 'wanted a size from 1.00 MiB'],
    ['time-limit: 5', 'or none'],
    ['time-limit: 721h', 'wanted a time from 1s to 720h'],
    ['boot-limit: none', 'wanted a time from 1s'],
    ['boot-from: disk', 'wanted cache or store'],
    ['on-success: {snapshot: all}', 'wanted none or disk or memory'],
    ['on-failure: {keep: maybe}', 'wanted a boolean'],
    ['boot-limt: 3min', 'did you mean boot-limit?'],
  ];
  for (const [line, said] of wrong) {
    void test(`\`readJobFile\` points at the line when a file says "${line}"`, () => {
      const [key = ''] = line.split(':');
      const lines = MINIMAL.trimEnd().split('\n');
      const place = lines.findIndex((it) => it.startsWith(`${key}:`));
      const changed = place < 0 ? [...lines, line] : lines.with(place, line);
      const own = faults(changed.join('\n')).find((it) => it.includes(said));
      const number = place < 0 ? changed.length : place + 1;
      assert.ok(own?.startsWith(`job.yaml:${number}:`), String(own));
    });
  }

  void test('`readJobFile` tells all faults of a file, in the order of its lines', () => {
    const found = faults('cpus: 0\nmemory: 1\nname: X\nnodes: n\nimage: i\ncommand: c\nx: 1\n');
    assert.deepEqual(
      found.map((line) => /^job\.yaml:(\d+):1: /.exec(line)?.[1]),
      ['1', '2', '3', '7'],
    );
  });

  void test('`readJobFile` reads a file or points at a line of it when any part of it changes', () => {
    const piece = fc.oneof(
      fc.string({ maxLength: 6 }),
      fc.constantFrom('\n', ': ', '- ', '{', ']', '"', '|', '\t', '*a', '&a', '!!map', '~', '0'),
    );
    const cut = fc.record({ at: fc.nat(), length: fc.nat(12), piece });
    fc.assert(
      fc.property(fc.array(cut, { minLength: 1, maxLength: 3 }), (cuts) => {
        let text = WHOLE;
        for (const { at, length, piece: put } of cuts) {
          const from = at % (text.length + 1);
          text = text.slice(0, from) + put + text.slice(from + length);
        }
        const wanted = text.split('\n').length;
        try {
          assert.ok(read(text).nodes.length > 0);
        } catch (error) {
          assert.ok(error instanceof KgetError && error.code === 'usage', String(error));
          const line = Number(/^job\.yaml:(\d+):\d+: ./.exec(error.message)?.[1]);
          assert.ok(line >= 1 && line <= wanted, `${error.message} of ${wanted} lines`);
        }
      }),
      { numRuns: 500 },
    );
  });

  const word = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,30}$/);
  const value = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((it) => !it.includes('\0'));
  const mebibytes = fc.integer({ min: 32, max: 1 << 20 });
  const seconds = fc.integer({ min: 1, max: 3600 });
  const ending = fc.record(
    {
      snapshot: fc.constantFrom('none' as const, 'disk' as const, 'memory' as const),
      keep: fc.boolean(),
    },
    { noNullPrototype: true },
  );
  const spec: fc.Arbitrary<JobSpec> = fc.record(
    {
      name: word,
      nodes: fc.uniqueArray(fc.stringMatching(/^[a-e]{1,3}\d{0,2}$/), {
        minLength: 1,
        maxLength: 5,
      }),
      vmsPerNode: fc.integer({ min: 1, max: 2000 }),
      image: word,
      hypervisor: fc.constantFrom('qemu' as const, 'libvirt' as const),
      cpus: fc.integer({ min: 1, max: 1024 }),
      memoryBytes: mebibytes.map((count) => count * MIB),
      network: fc.constantFrom('none' as const, 'user' as const),
      inputs: fc
        .uniqueArray(word, { maxLength: 3 })
        .map((names) => names.map((name) => ({ path: join(directory, 'run.sh'), name }))),
      command: value.filter((it) => it.trim() !== ''),
      environment: fc.dictionary(fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,5}$/), value, {
        noNullPrototype: true,
      }),
      outputs: fc.array(
        fc.stringMatching(/^[a-z*][a-z/*. ]{0,5}[a-z]$/).filter((it) => !it.includes('..')),
      ),
      outputRoomBytes: mebibytes.map((count) => count * MIB),
      timeLimitMs: fc.option(seconds.map((count) => count * 1000)),
      bootLimitMs: seconds.map((count) => count * 1000),
      shutdownLimitMs: seconds.map((count) => count * 1000),
      onSuccess: ending,
      onFailure: ending,
      bootFrom: fc.constantFrom('cache' as const, 'store' as const),
    },
    { noNullPrototype: true },
  );

  void test('`readJobFile` gives what was written when a file is made of any job', () => {
    fc.assert(
      fc.property(spec, (job) => {
        // No other hypervisor can boot from the store.
        const bootFrom = job.hypervisor === 'qemu' ? job.bootFrom : 'cache';
        const wanted = { ...job, bootFrom };
        assert.deepEqual(read(fileOf(wanted)), wanted);
      }),
    );
  });
});

function fileOf(job: JobSpec): string {
  return stringify({
    name: job.name,
    nodes: [...job.nodes],
    'vms-per-node': job.vmsPerNode,
    image: job.image,
    hypervisor: job.hypervisor,
    cpus: job.cpus,
    memory: `${job.memoryBytes / MIB}MiB`,
    network: job.network,
    inputs: job.inputs.map(({ path, name }) => ({ path, as: name })),
    command: job.command,
    environment: job.environment,
    outputs: [...job.outputs],
    'output-room': job.outputRoomBytes,
    'time-limit': job.timeLimitMs === null ? 'none' : `${job.timeLimitMs / 1000}s`,
    'boot-limit': `${job.bootLimitMs / 1000}s`,
    'shutdown-limit': `${job.shutdownLimitMs / 1000}s`,
    'on-success': job.onSuccess,
    'on-failure': job.onFailure,
    'boot-from': job.bootFrom,
  });
}
