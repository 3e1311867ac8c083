import { formatSize } from '../src/base/units.ts';

/** What one deployer did; times in seconds from the start of its command. */
export interface DeployHeat {
  readonly deployer: string;
  readonly exitCode: number | null;
  readonly complaint: string;
  /** Until its command ended. */
  readonly seconds: number;
  /** Until the last node had the file. */
  readonly lastSeconds: number | null;
  readonly meanSeconds: number | null;
  /** Nodes whose file is the frontend's, byte for byte. */
  readonly identical: number;
  readonly frontendBytes: number;
  readonly nodesBytes: number;
  readonly frontendCpuSeconds: number | null;
  readonly nodesCpuSeconds: number | null;
  /** What it says itself. */
  readonly said: unknown;
}

/** What was asked of all. */
export interface Course {
  readonly nodes: number;
  readonly rate: string;
  readonly size: number;
  readonly onceSeconds: number;
  readonly fillSeconds: number;
}

function inSeconds(value: number | null): string {
  return value === null ? '–' : value.toFixed(1);
}

/** The figures as a table for a document. */
export function table(heats: readonly DeployHeat[], course: Course): string {
  const { nodes, rate, size, onceSeconds, fillSeconds } = course;
  const bound = onceSeconds + fillSeconds;
  const rows = heats.map((heat) => {
    const times = heat.lastSeconds === null ? '–' : (heat.lastSeconds / bound).toFixed(2);
    const cells = [
      heat.deployer,
      `${heat.identical}/${nodes}`,
      inSeconds(heat.lastSeconds),
      times,
      inSeconds(heat.meanSeconds),
      formatSize(heat.frontendBytes),
      (heat.frontendBytes / size).toFixed(2),
      inSeconds(heat.frontendCpuSeconds),
      inSeconds(heat.nodesCpuSeconds),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [
    `${formatSize(size)} to ${nodes} nodes, ${rate}: S/B ${inSeconds(onceSeconds)} s + ` +
      `pipeline fill ${inSeconds(fillSeconds)} s = ${inSeconds(bound)} s`,
    '',
    '| Deployer | identical | last s | × bound | mean s | over link | × image | CPU s | nodes |',
    '| --- | --: | --: | --: | --: | --: | --: | --: | --: |',
    ...rows,
    '',
  ].join('\n');
}
