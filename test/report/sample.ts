import type {
  ImageReport,
  NodeReport,
  RunReport,
  TransferReport,
} from '../../src/report/record.ts';

/** A node that was released after `releasedSeconds`, or (null) was not. */
export function nodeReport(node: string, releasedSeconds: number | null): NodeReport {
  const state = releasedSeconds === null ? 'held' : 'released';
  return { node, state, readySeconds: 0.5, releasedSeconds };
}

export function imageReport(node: string, change: Partial<ImageReport> = {}): ImageReport {
  return {
    node,
    path: '/vm/disk.qcow2',
    sizeBytes: 2048,
    dataBytes: 1024,
    state: 'safe',
    route: [node, 'frontend'],
    ...change,
  };
}

export function transferReport(change: Partial<TransferReport> = {}): TransferReport {
  return {
    image: 'node1:/vm/disk.qcow2',
    from: 'node1',
    to: 'frontend',
    startSeconds: 1,
    endSeconds: 2,
    wireBytes: 1000,
    chunks: 1,
    state: 'done',
    ...change,
  };
}

const TIMES = { t50Seconds: 4, t80Seconds: 8, t100Seconds: 10, meanReleaseSeconds: 5 };

/** A run of two nodes that went well, changed as told. */
export function runReport(change: Partial<RunReport> = {}): RunReport {
  return {
    schema: 'kgetplus.report/1',
    run: '20261122-093000-4f2a',
    startedAt: '2026-11-22T09:30:00.000Z',
    seconds: 12,
    frontend: { bytesReceived: 2000, busyFraction: 0.95, maxSenders: 1, sendersAllowed: 1 },
    nodes: [nodeReport('node1', 2), nodeReport('node2', 4)],
    images: [imageReport('node1'), imageReport('node2')],
    transfers: [
      transferReport(),
      transferReport({
        image: 'node2:/vm/disk.qcow2',
        from: 'node2',
        startSeconds: 2,
        endSeconds: 4,
      }),
    ],
    summary: {
      t50Seconds: 2,
      t80Seconds: 4,
      t100Seconds: 4,
      meanReleaseSeconds: 3,
      images: 2,
      safe: 2,
      logicalBytes: 4096,
      dataBytes: 2048,
      frontendWireBytes: 2000,
      peerWireBytes: 0,
      bound: TIMES,
      serial: TIMES,
      allAtOnce: TIMES,
    },
    failures: [],
    ...change,
  };
}
