import { formatRate, formatSize } from '../src/base/units.ts';
import type { ContenderFigures } from './contender-figures.ts';
import type { Comparison, HeatFailure, RaceFigures } from './figures.ts';
import type { RaceRecord } from './record.ts';

/** The last lines of a complaint tend to say most. */
const MAX_COMPLAINT_LINES = 8;

/** What was measured where, as names and words. */
export function setting(record: RaceRecord, figures: RaceFigures): [string, string][] {
  const { machine, lab, images, link } = record;
  const { processors, model, memoryBytes, kernel, node, commit } = machine;
  return [
    ['Lab', `${lab.nodes} nodes at ${lab.rate}, frontend at ${lab.frontendRate}; ${lab.topology}`],
    [
      'Images',
      `${images.description}; ${formatSize(images.logicalBytes)} in all, ` +
        `${formatSize(images.dataBytes)} not zero, ` +
        `${formatSize(images.uniqueCompressedBytes)} when each chunk counts once, compressed`,
    ],
    [
      'Link',
      `iperf3 brought ${formatRate(link.goodputBytesPerSecond)} to the frontend; at that rate ` +
        `all images take ${inSeconds(link.limitSeconds)} (the limit), ` +
        `the largest ${inSeconds(link.slotSeconds)} (a slot, τ)`,
    ],
    ['Start-up', startUp(record, figures)],
    [
      'Machine',
      `${processors} × ${model}, ${formatSize(memoryBytes)}, kernel ${kernel}; ` +
        `Node.js ${node}, commit ${commit ?? 'unknown'}`,
    ],
    ['Versions', versionWords(record.heats)],
  ];
}

/** Contenders with the same program share an entry. */
function versionWords(heats: RaceRecord['heats']): string {
  const sharing = Map.groupBy(heats, ({ version }) => version);
  return [...sharing]
    .map(([version, runs]) => `${namesOf(runs).join(', ')}: ${version}`)
    .join('; ');
}

function namesOf(heats: RaceRecord['heats']): readonly string[] {
  return [...new Set(heats.map(({ contender }) => contender))];
}

function startUp({ link }: RaceRecord, { contenders }: RaceFigures): string {
  const started = contenders
    .filter((figures) => figures.agentsUpSeconds !== null)
    .map((figures) => `${figures.contender} ${inSeconds(figures.agentsUpSeconds)}`);
  const parts = [
    link.clushSeconds === null
      ? []
      : [`clush runs true(1) on all nodes in ${inSeconds(link.clushSeconds)}`],
    `kgetplus gather --dry-run takes ${inSeconds(link.dryRunSeconds)}, and ` +
      `${inSeconds(link.firstDryRunSeconds)} when agents have to be shipped first`,
    started.length === 0 ? [] : [`all agents were up after: ${started.join(', ')}`],
  ].flat();
  return parts.join('; ');
}

/** `8.2 × sooner than kaget (343 s)`, or what there is to say instead. */
export function comparisonWords({ figure, timesBetter, rival }: Comparison): string {
  if (rival === null) return 'no rival to compare with';
  const isSize = figure === 'frontendBytes';
  const against = `${rival.contender} (${isSize ? size(rival.value) : inSeconds(rival.value)})`;
  if (timesBetter === null) return `best rival ${against}`;
  const isBetter = timesBetter >= 1;
  const [better, worse] = isSize ? ['less', 'more'] : ['sooner', 'later'];
  const factor = isBetter ? timesBetter : 1 / timesBetter;
  return `${number(factor)} × ${isBetter ? better : worse} than ${against}`;
}

/** How a heat failed, without what its command complained. */
export function failureWords({ exitCode, nodes, missing, different }: HeatFailure): string {
  const parts = [
    exitCode === null ? 'no exit code' : exitCode === 0 ? '' : `exit code ${exitCode}`,
    missing === 0 ? '' : `${missing} of ${nodes} images missing`,
    different === 0 ? '' : `${different} of ${nodes} images different`,
  ];
  return parts.filter((part) => part !== '').join(', ');
}

/** The last lines of a complaint, without empty ones. */
export function complaintLines(complaint: string): string[] {
  const lines = complaint.split(/\r?\n|\r/).map((line) => line.trim());
  return lines.filter((line) => line !== '').slice(-MAX_COMPLAINT_LINES);
}

/** Three significant digits, as far as they are not before the point: `7.18`, `42.0`, `343`. */
export function number(value: number | null): string {
  if (value === null) return '–';
  if (value >= 99.95) return value.toFixed(0);
  return value.toFixed(value >= 9.995 ? 1 : 2);
}

export function inSeconds(value: number | null): string {
  return value === null ? 'never' : `${number(value)} s`;
}

export function size(bytes: number | null): string {
  return bytes === null ? '–' : formatSize(bytes);
}

export function whole(value: number | null): string {
  return value === null ? '–' : String(Math.round(value));
}

/** `440–471`: from the least to the most of all rounds. */
export function range({ allDoneRange: { least, most } }: ContenderFigures): string {
  if (least === null) return 'never';
  return `${number(least)}–${most === null ? 'never' : number(most)}`;
}
