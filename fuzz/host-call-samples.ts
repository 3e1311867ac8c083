import type { RequestOf, ResultOf } from '../src/control/calls.ts';
import type { HostCalls, WantedVm } from '../src/control/host-calls.ts';

type CallName = keyof HostCalls;
type Sample<Name extends CallName> = readonly [
  request: RequestOf<HostCalls, Name>,
  result: ResultOf<HostCalls, Name>,
];

const FILE = { digest: 'ab'.repeat(32), sizeBytes: 4096 };
const VM = { vm: 'job-1.0' };
const NOTHING = {};
const ENDPOINT = { port: 4711, uri: 'tcp:10.0.0.2:4711', isShared: false };

export const WANTED: WantedVm = {
  name: 'job-1.0',
  job: 'job-1',
  arch: 'x86_64',
  cpus: 1,
  memoryBytes: 134_217_728,
  network: 'none',
  boot: { kind: 'kernel', kernel: FILE, initramfs: null, commandLine: 'console=ttyS0' },
  disk: { file: FILE, format: 'qcow2', nbdUrl: null },
  task: {
    command: 'echo hello',
    environment: { A: 'b', _C2: "it's" },
    timeLimitSeconds: 60,
    outputs: ['result.txt', 'logs/*.log'],
    inputs: FILE,
    outputRoomBytes: 1_048_576,
  },
};

/** A good request and a good result of each call. */
export const HOST_CALL_SAMPLES: { readonly [Name in CallName]: Sample<Name> } = {
  configure: [
    {
      node: 'node1',
      identity: { certificate: 'c', key: 'k', authority: 'a' },
      chunkSizeBytes: 65_536,
      directory: '/srv/vms',
      hypervisor: 'qemu',
      memoryLimitBytes: null,
    },
    {
      port: 4711,
      callerAddress: '10.0.0.1',
      arch: 'x86_64',
      hypervisor: { version: '7.2.0', accelerator: 'tcg' },
      roomBytes: 1e12,
      memoryBytes: 8e9,
      cpus: 8,
    },
  ],
  'serve-stored': [{ file: FILE, store: '/srv', indexPath: '/srv/indexes/a' }, NOTHING],
  'serve-disk': [
    { file: FILE, store: '/srv', indexPath: '/srv/indexes/a' },
    { port: 4712, exportName: `${'ab'.repeat(6)}-${'cd'.repeat(16)}` },
  ],
  'serve-file': [{ path: '/srv/inputs.tar' }, FILE],
  present: [{ files: [FILE, FILE] }, { digests: [FILE.digest] }],
  fetch: [
    { file: FILE, from: { node: 'node2', host: '10.0.0.2', port: 4711 } },
    { wireBytes: 10, chunks: 3, wasPresent: false },
  ],
  progress: [NOTHING, { files: [{ digest: FILE.digest, doneBytes: 100 }] }],
  create: [WANTED, NOTHING],
  start: [VM, NOTHING],
  pause: [VM, NOTHING],
  resume: [VM, NOTHING],
  suspend: [VM, NOTHING],
  stop: [VM, NOTHING],
  shutdown: [{ ...VM, limitMs: 60_000 }, { how: 'clean' }],
  'switch-base': [VM, NOTHING],
  remove: [VM, NOTHING],
  look: [
    { job: 'job-1' },
    {
      vms: [
        {
          name: 'job-1.0',
          job: 'job-1',
          state: 'stopped',
          memoryBytes: 134_217_728,
          cpus: 1,
          exit: { reason: 'guest', detail: 'it has shut down' },
          events: ['ready', 'started', 'exit 0'],
          logBytes: 6,
          outputsPath: '/srv/vms/job-1.0/outputs.raw',
        },
      ],
    },
  ],
  'prepare-snapshot': [{ ...VM, full: false }, NOTHING],
  describe: [VM, { wanted: WANTED }],
  log: [
    { ...VM, source: 'command', offset: 0 },
    { text: 'hello\n', nextOffset: 6, totalBytes: 6 },
  ],
  freeze: [{ ...VM, limitMs: 3000, holdMs: 10_000.5 }, { frozen: true }],
  snapshot: [{ ...VM, memory: true, full: false }, NOTHING],
  thaw: [VM, { pausedMs: 80.25 }],
  'finish-snapshot': [
    { ...VM, cut: 'cut-1' },
    {
      files: [{ name: 'job-1.0-root.raw', path: '/srv/cut/job-1.0-root.raw', sizeBytes: 9 }],
      disks: [
        { disk: 'root', mode: 'full', reason: 'the first', dirtyBytes: null, copiedBytes: 9 },
      ],
    },
  ],
  'drop-cut': [{ cut: 'cut-1' }, NOTHING],
  restore: [
    {
      description: {
        schema: 'kgetplus.vm/1',
        wanted: WANTED,
        memory: '{"machineType":"pc-q35-7.2"}',
        events: ['ready', 'started'],
      },
      disks: { root: FILE },
      memory: FILE,
    },
    { state: 'paused' },
  ],
  'prepare-migration': [
    { wanted: WANTED, address: '10.0.0.2', sharedStorage: false, source: 'node01' },
    { endpoint: ENDPOINT },
  ],
  migrate: [
    {
      ...VM,
      target: 'node02',
      endpoint: ENDPOINT,
      sharedStorage: false,
      limitMs: 60_000,
      downtimeLimitMs: 300,
      bytesPerSecond: 1e6,
    },
    { totalMs: 650, downtimeMs: 18, movedBytes: 1e8 },
  ],
  'finish-migration': [{ ...VM, events: ['ready'], log: 'hello\n' }, NOTHING],
  'abandon-migration': [VM, NOTHING],
  clean: [{ job: 'job-1' }, { removed: ['job-1.0'] }],
};

export const CALL_NAMES = Object.keys(HOST_CALL_SAMPLES) as readonly CallName[];
