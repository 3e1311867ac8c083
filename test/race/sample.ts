import type { HeatRecord, NodeRecord, RaceRecord } from '../../race/record.ts';

/** A node whose image arrived unchanged after `completeSeconds`, or (null) never came. */
export function nodeRecord(
  completeSeconds: number | null,
  change: Partial<NodeRecord> = {},
): NodeRecord {
  return {
    node: 'kn01',
    imageBytes: 1000,
    completeSeconds,
    releasedSeconds: completeSeconds,
    isIdentical: completeSeconds !== null,
    ...change,
  };
}

/** A heat whose nodes are all done, and released, at these moments. */
export function heatRecord(
  contender: string,
  moments: readonly (number | null)[],
  change: Partial<HeatRecord> = {},
): HeatRecord {
  return {
    contender,
    round: 1,
    startedAt: '2026-11-22T09:30:00Z',
    version: contender === 'scp at once' ? 'OpenSSH_9.2p1' : '1.0',
    command: `${contender} kn[01-05]:/labnode/disk.img out`,
    exitCode: 0,
    complaint: '',
    seconds: 100,
    nodes: moments.map((moment) => nodeRecord(moment)),
    frontendBytes: 4000,
    nodesBytes: 12_000,
    peakSenders: 5,
    frontendUse: { cpuSeconds: 3, peakBytes: 1024 },
    nodesUse: { cpuSeconds: 7, peakBytes: 2048 },
    agentsUpSeconds: null,
    ...change,
  };
}

/** A race on five nodes: all images take 40 s over the frontend's link, one takes 8 s. */
export function raceRecord(
  heats: readonly HeatRecord[],
  change: Partial<RaceRecord> = {},
): RaceRecord {
  return {
    schema: 'kgetplus.race/1',
    profile: 'small',
    startedAt: '2026-11-22T09:30:00.000Z',
    machine: {
      processors: 2,
      model: 'AMD EPYC',
      memoryBytes: 8 * 1024 ** 3,
      kernel: '6.18',
      node: '26.10.0',
      commit: 'dca420d',
    },
    lab: { nodes: 5, rate: '8mbit', frontendRate: '8mbit', topology: 'one switch' },
    images: {
      description: 'raw disks',
      logicalBytes: 5000,
      dataBytes: 4000,
      uniqueCompressedBytes: 2000,
      largestBytes: 1000,
    },
    link: {
      goodputBytesPerSecond: 1e6,
      limitSeconds: 40,
      slotSeconds: 8,
      clushSeconds: 1.5,
      dryRunSeconds: 3,
      firstDryRunSeconds: 4,
    },
    heats,
    absent: [],
    ...change,
  };
}
