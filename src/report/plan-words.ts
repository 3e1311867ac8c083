import { formatRate, formatSize } from '../base/units.ts';
import { FRONTEND_NAME } from './names.ts';
import type {
  PlannedLink,
  PlannedNode,
  PlannedStrategy,
  PlannedTransfer,
  PlanReport,
} from './plan-record.ts';

/** What was found and what was asked for, as names and words. */
export function planWords(report: PlanReport): [string, string][] {
  const { objective, senders, maxHops, copies, frontendLink } = report.inputs;
  const { racks, nodesFirst, nodesKeepingNone } = report.inputs;
  const options = [
    `objective ${objective}`,
    `${counted(senders, 'sender')} to the frontend`,
    `up to ${counted(maxHops, 'relay')} of an image`,
    ...(copies > 1 ? [`${copies} copies of an image before its node is released`] : []),
    ...(racks > 0 ? [counted(racks, 'rack')] : []),
    ...(nodesFirst > 0 ? [`${counted(nodesFirst, 'node')} to be released first`] : []),
    ...(nodesKeepingNone > 0
      ? [`${counted(nodesKeepingNone, 'node')} without others' images`]
      : []),
  ];
  return [
    ['Nodes', nodeWords(report)],
    ['Images', imageWords(report)],
    ['Frontend', linkWords(frontendLink)],
    ['Kget+', options.join(', ')],
  ];
}

/** What has to be known about this forecast. */
export function planRemarks(report: PlanReport): string[] {
  const staying = report.nodes.filter((node) => node.releasedSeconds === null).length;
  const missing = report.missingNodes.length;
  const whole = report.strategies.filter(({ moved }) => moved === 'whole').map(({ name }) => name);
  return [
    ...assumptions(report),
    ...(missing > 0 ? [`${counted(missing, 'node')} left out: see the failures.`] : []),
    ...(staying > 0
      ? [`${counted(staying, 'node')} would not be released: see the failures.`]
      : []),
    ...(report.strategies.length > 0 && whole.length === 0
      ? ['Other ways are not computed: there are too many nodes.']
      : []),
    ...(whole.length > 0
      ? [
          `${whole.join(', ')}: whole images. The others: without zeros, and once what images have ` +
            'in common, as sketches of their chunks tell it (about 9 % off).',
        ]
      : []),
  ];
}

/** Whether it crosses the frontend's link. */
export function kindOf({ to }: PlannedTransfer): 'frontend' | 'relay' {
  return to === FRONTEND_NAME ? 'frontend' : 'relay';
}

/** In the order of release, those that are not released last. */
export function inOrderOfRelease(nodes: readonly PlannedNode[]): PlannedNode[] {
  return nodes.toSorted((left, right) => momentOf(left) - momentOf(right));
}

/** Infinity minus itself is no number, so the last moment that there is stands for "never". */
function momentOf({ releasedSeconds }: PlannedNode): number {
  return releasedSeconds ?? Number.MAX_VALUE;
}

/** Kget+ itself; undefined when there is nothing to gather. */
export function ourPlan({ strategies }: PlanReport): PlannedStrategy | undefined {
  return strategies.find(({ isOurs }) => isOurs);
}

/** No rate is guessed silently. */
function assumptions({ nodes, inputs }: PlanReport): string[] {
  const { frontendLink } = inputs;
  const assumed = nodes.filter(({ link }) => link.source === 'assumed');
  const [link = frontendLink] = assumed.map((node) => node.link);
  const rate = shortRate(link);
  if (nodes.length > 0 && assumed.length === nodes.length) {
    return [`links unknown: assumed ${rate}; give --link`];
  }
  return [
    ...(assumed.length > 0
      ? [`links of ${counted(assumed.length, 'node')} unknown: assumed ${rate}; give --link`]
      : []),
    ...(frontendLink.source === 'assumed'
      ? [`the frontend's link unknown: assumed ${shortRate(frontendLink)}; give --frontend-link`]
      : []),
  ];
}

function nodeWords({ nodes, missingNodes }: PlanReport): string {
  const asked = nodes.length + missingNodes.length;
  const answered = `${nodes.length} of ${asked} with images`;
  const kinds = Map.groupBy(nodes, ({ link }) => linkWords(link));
  if (kinds.size <= 1) return [answered, ...kinds.keys()].join(', ');
  const parts = [...kinds].map(([words, sharers]) => `${sharers.length} at ${words}`);
  return `${answered}, ${parts.join(', ')}`;
}

function imageWords({ images }: PlanReport): string {
  const sizeBytes = sum(images.map((image) => image.sizeBytes));
  const dataBytes = sum(images.map((image) => image.dataBytes));
  const alike = images.filter(({ family }) => family !== null);
  const sharedBytes = sum(alike.map((image) => image.sharedBytes));
  const parts = [
    `${images.length} of ${formatSize(sizeBytes)}`,
    `${formatSize(dataBytes)} of it data`,
    ...(alike.length > 0
      ? [`${formatSize(sharedBytes)} of that in common with images like them`]
      : []),
  ];
  return parts.join(', ');
}

function sum(parts: readonly number[]): number {
  return parts.reduce((total, part) => total + part, 0);
}

function linkWords({ bytesPerSecond, source }: PlannedLink): string {
  const told = { option: 'as given', told: 'as told', assumed: 'assumed' };
  return `${formatRate(bytesPerSecond)} (${told[source]})`;
}

/** As an option takes it: `1Gbit`. */
function shortRate({ bytesPerSecond }: PlannedLink): string {
  const bits = bytesPerSecond * 8;
  return bits >= 1e9 ? `${bits / 1e9}Gbit` : `${bits / 1e6}Mbit`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
