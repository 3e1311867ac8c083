import { toFailure, type Failure } from '../base/error.ts';
import { formatSize } from '../base/units.ts';
import type { Host } from '../job/hosts/hosts.ts';
import { cut, type CutVm, type PlacedVm } from '../job/life/cut.ts';
import { cutFiles } from '../job/run/cut-vms.ts';
import { tableLines, type Column } from '../report/table.ts';
import { collectFiles, lackingNodes } from './collect-files.ts';
import { EXIT } from './exit-code.ts';
import type { HostReach } from './host-crew.ts';
import type { System } from './system.ts';

/** Snapshots of machines at one cut, which are to be brought into a store. */
export interface WantedCut {
  readonly vms: readonly PlacedVm[];
  readonly memory: boolean;
  readonly full: boolean;
  /** Of the store. */
  readonly directory: string;
  readonly reach: HostReach;
}

/** What came of a cut, as it is printed for machines. */
export interface CutReport {
  readonly schema: 'kgetplus.cut/1';
  /** The run in the store; null if nothing came there. */
  readonly run: string | null;
  readonly memory: boolean;
  readonly vms: readonly CutRow[];
  /** Nodes whose snapshots are not all in the store. */
  readonly missing: readonly string[];
}

export type CutRow =
  | {
      readonly vm: string;
      readonly node: string;
      readonly frozen: boolean;
      readonly pausedMs: number;
      readonly mode: 'full' | 'incremental';
      /** Why it is not incremental, if it could have been. */
      readonly reason: string | null;
      readonly dirtyBytes: number | null;
      readonly copiedBytes: number;
    }
  | { readonly vm: string; readonly node: string; readonly failure: Failure };

/** Files on a node may have to wait for a disk until they are removed. */
const DROP_LIMIT_MS = 60_000;

/**
 * Takes snapshots of machines at one cut, gathers them into a store, and removes them from their
 * nodes; the guests run on meanwhile. @throws KgetError as `collectFiles`
 */
export async function cutAndCollect(wanted: WantedCut, system: System): Promise<CutReport> {
  const { vms, memory, full, directory, reach } = wanted;
  const name = `cut-${system.entropy.hex(6)}`;
  const results = await cut(vms, { memory, full, name, signal: system.interrupt });
  const taken = results.filter((it) => it.state === 'taken');
  const report = { schema: 'kgetplus.cut/1', memory, vms: results.map(cutRow) } as const;
  if (taken.length === 0) return { ...report, run: null, missing: [] };
  const { nodes, patterns } = cutFiles(taken);
  const hosts = new Map(vms.map(({ host }) => [host.node, host]));
  const gathered = await collectFiles(
    {
      nodes,
      patterns,
      directory,
      layout: 'store',
      reach,
      onEmptied: (node) => dropped(hosts.get(node), name),
    },
    system,
  );
  return { ...report, run: gathered.report.run, missing: lackingNodes(gathered, nodes) };
}

/** Prints a report; the exit code. */
export function tellCut(
  report: CutReport,
  { json }: { readonly json: boolean },
  { stdout, stderr }: System,
): number {
  if (json) stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
  else {
    stdout.write(cutText(report.vms));
    if (report.run !== null) stdout.write(`Run ${report.run}\n`);
  }
  for (const row of report.vms) {
    if ('failure' in row)
      stderr.write(`kgetplus: ${row.vm} on ${row.node}: ${row.failure.message}\n`);
  }
  for (const node of report.missing) {
    stderr.write(`kgetplus: ${node}: its snapshots are not all in the store, and stay there\n`);
  }
  if (report.run === null) return EXIT.noneArrived;
  const isWhole = report.missing.length === 0 && !report.vms.some((row) => 'failure' in row);
  return isWhole ? EXIT.ok : EXIT.someMissing;
}

async function dropped(host: Host | undefined, name: string): Promise<Failure | undefined> {
  try {
    await host?.caller.call('drop-cut', { cut: name }, { limitMs: DROP_LIMIT_MS });
    return undefined;
  } catch (error) {
    return toFailure(error);
  }
}

/** What is told of a machine in a cut. */
export function cutRow(result: CutVm): CutRow {
  const { vm, node } = result;
  if (result.state === 'failed') return { vm, node, failure: result.failure };
  const { frozen, pausedMs, disks } = result;
  const dirty = disks.flatMap(({ dirtyBytes }) => dirtyBytes ?? []);
  return {
    vm,
    node,
    frozen,
    pausedMs,
    mode: disks.every(({ mode }) => mode === 'incremental') ? 'incremental' : 'full',
    reason: disks.find(({ reason }) => reason !== null)?.reason ?? null,
    dirtyBytes: dirty.length === 0 ? null : dirty.reduce((sum, bytes) => sum + bytes, 0),
    copiedBytes: disks.reduce((sum, { copiedBytes }) => sum + copiedBytes, 0),
  };
}

const COLUMNS: readonly Column[] = [
  { title: 'machine', align: 'left' },
  { title: 'node', align: 'left' },
  { title: 'pause', align: 'right' },
  { title: 'frozen', align: 'left' },
  { title: 'copied', align: 'right' },
  { title: 'how', align: 'left' },
];

/** A table of the machines in a cut. */
export function cutText(rows: readonly CutRow[]): string {
  return `${tableLines(COLUMNS, rows.map(cellsOf)).join('\n')}\n`;
}

function cellsOf(row: CutRow): string[] {
  if ('failure' in row) return [row.vm, row.node, '', '', '', 'failed'];
  return [
    row.vm,
    row.node,
    `${Math.round(row.pausedMs)} ms`,
    row.frozen ? 'yes' : 'no',
    formatSize(row.copiedBytes),
    row.mode,
  ];
}
