import { formatRate, formatSeconds, formatSize } from '../base/units.ts';
import { formatMoment, formatShare } from './rivals.ts';
import type {
  SimulatedTimes,
  SimulationInputs,
  SimulationReport,
  StrategyRecord,
  TimesBound,
} from './simulation-record.ts';

/** The figures of a simulation, in the order of its tables. */
export const FIGURES: readonly {
  readonly title: string;
  readonly field: keyof SimulatedTimes;
  readonly factor: keyof TimesBound;
}[] = [
  { title: '50 %', field: 't50Seconds', factor: 't50' },
  { title: '80 %', field: 't80Seconds', factor: 't80' },
  { title: '100 %', field: 't100Seconds', factor: 't100' },
  { title: 'mean', field: 'meanReleaseSeconds', factor: 'meanRelease' },
  { title: 'all there', field: 'makespanSeconds', factor: 'makespan' },
];

export function momentWords(seconds: number | null): string {
  return formatMoment(seconds, 'never');
}

/** `1.35 ×`, `40.0 ×`, `240 ×`; a dash when there is nothing to compare. */
export function timesWords(factor: number | null): string {
  if (factor === null) return '–';
  if (factor < 9.995) return `${factor.toFixed(2)} ×`;
  return `${factor.toFixed(factor < 99.95 ? 1 : 0)} ×`;
}

/** What was simulated, as names and words. */
export function settingWords(inputs: SimulationInputs): [string, string][] {
  return [
    ['Cluster', clusterWords(inputs)],
    ['Images', imageWords(inputs)],
    ['Kget+', optionWords(inputs)],
  ];
}

function clusterWords(inputs: SimulationInputs): string {
  const { nodes, racks, startSeconds } = inputs;
  const rack = racks === null ? [] : [rackWords(racks)];
  const start = startSeconds === 0 ? [] : [`agents up within ${formatSeconds(startSeconds)}`];
  return [
    `${counted(nodes, 'node')} at ${formatRate(inputs.linkBytesPerSecond)}`,
    frontendWords(inputs),
    ...rack,
    ...diskWords(inputs),
    ...start,
  ].join(', ');
}

function frontendWords({ frontends, frontendLinkBytesPerSecond }: SimulationInputs): string {
  const rate = formatRate(frontendLinkBytesPerSecond);
  return frontends === 1 ? `frontend at ${rate}` : `${frontends} frontends at ${rate} each`;
}

function rackWords(racks: NonNullable<SimulationInputs['racks']>): string {
  const { count, nodesEach, oversubscription } = racks;
  return `${counted(count, 'rack')} of ${nodesEach} oversubscribed ${oversubscription}:1`;
}

/** Disks are sold in bytes, links in bits. */
function diskWords(inputs: SimulationInputs): string[] {
  const { diskReadBytesPerSecond, diskWriteBytesPerSecond } = inputs;
  const read = diskReadBytesPerSecond === null ? [] : [`read ${diskRate(diskReadBytesPerSecond)}`];
  const write =
    diskWriteBytesPerSecond === null ? [] : [`write ${diskRate(diskWriteBytesPerSecond)}`];
  const both = [...read, ...write];
  return both.length === 0 ? [] : [`disks ${both.join(' and ')}`];
}

function diskRate(bytesPerSecond: number): string {
  return `${Number((bytesPerSecond / 1e6).toPrecision(3))} MB/s`;
}

function imageWords(inputs: SimulationInputs): string {
  const { medianBytes, sigma, seed, zeroShare, duplicateShare, families } = inputs;
  const size =
    sigma === 0
      ? `one of ${formatSize(medianBytes)} a node`
      : `one a node, log-normal around ${formatSize(medianBytes)} (σ ${sigma}, seed ${seed})`;
  const zero = zeroShare === 0 ? [] : [`${formatShare(zeroShare)} zero`];
  const rest = zeroShare === 0 ? '' : ' of the rest';
  const duplicate =
    duplicateShare === 0 ? [] : [`${formatShare(duplicateShare)}${rest} ${sameWords(families)}`];
  return [size, ...zero, ...duplicate].join(', ');
}

function sameWords(families: number): string {
  return families === 1 ? 'the same everywhere' : `the same within each of ${families} families`;
}

function optionWords({ senders, maxHops, copies, room, frontends }: SimulationInputs): string {
  return [
    `${counted(senders, 'sender')} to the ${frontends === 1 ? 'frontend' : 'frontends'}`,
    `up to ${counted(maxHops, 'relay')} of an image`,
    ...(copies === 1 ? [] : [`${copies} copies elsewhere before a node is released`]),
    room === null
      ? 'ample room on nodes'
      : `room on a node for ${room.kind === 'bytes' ? formatSize(room.bytes) : counted(room.images, 'image')}`,
  ].join(', ');
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** What has to be known about some of the strategies in this simulation. */
export function remarks({ strategies, inputs, leftOut }: SimulationReport): string[] {
  const arriving = strategies.filter(({ counts }) => counts === 'arrivals');
  const whole = strategies.filter(({ moved }) => moved === 'whole');
  const isReduced = inputs.zeroShare > 0 || inputs.duplicateShare > 0;
  const others = strategies.filter(({ isOurs }) => !isOurs);
  return [
    ...arriving.map(
      ({ name }) =>
        `${name}: counted from the arrival of a node's image on; it releases nobody before its end.`,
    ),
    ...(isReduced && whole.length > 0
      ? [
          `${namesOf(whole)}: whole images; the others and the bound: without zeros, and what is ` +
            'the same only to where it is not yet.',
        ]
      : []),
    ...(inputs.copies > 1 && others.length > 0
      ? [`${namesOf(others)}: a node is released when one other has its image.`]
      : []),
    ...(leftOut.length > 0
      ? [`Left out, since they would take too long with so many nodes: ${leftOut.join(', ')}.`]
      : []),
  ];
}

function namesOf(strategies: readonly StrategyRecord[]): string {
  return strategies.map(({ name }) => name).join(', ');
}
