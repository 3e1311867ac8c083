import { formatSeconds } from '../base/units.ts';
import { timesSooner } from './summary.ts';
import type { ReleaseTimes, SummaryReport } from './record.ts';

/** One line of the comparison, in seconds: the run, the bound and the other strategies. */
export interface ReleaseRow {
  readonly label: string;
  readonly measured: number | null;
  readonly bound: number | null;
  readonly serial: number | null;
  readonly allAtOnce: number | null;
}

const ROWS: readonly { readonly label: string; readonly field: keyof ReleaseTimes }[] = [
  { label: '50 %', field: 't50Seconds' },
  { label: '80 %', field: 't80Seconds' },
  { label: '100 %', field: 't100Seconds' },
  { label: 'mean', field: 'meanReleaseSeconds' },
];

/** The comparison of release times: 50, 80 and 100 % of the nodes, and the mean. */
export function releaseRows(summary: SummaryReport): ReleaseRow[] {
  return ROWS.map(({ label, field }) => ({
    label,
    measured: summary[field],
    bound: summary.bound[field],
    serial: summary.serial[field],
    allAtOnce: summary.allAtOnce[field],
  }));
}

/** How many times sooner, for people: `56 ×`, `1.2 ×`; a dash when unknown. */
export function formatSooner(measured: number | null, rival: number | null): string {
  const factor = timesSooner({ measured, rival });
  if (factor === null) return '–';
  return `${factor.toFixed(factor < 9.95 ? 1 : 0)} ×`;
}

/** Seconds for people, or `otherwise` when there are none. */
export function formatMoment(seconds: number | null, otherwise = '–'): string {
  return seconds === null ? otherwise : formatSeconds(seconds);
}

/** A share (0 to 1) for people; never rounded up to 100 % or down to 0 %. */
export function formatShare(share: number): string {
  const percent = share * 100;
  if (percent > 99.9 && percent < 100) return '> 99.9 %';
  if (percent > 0 && percent < 0.1) return '< 0.1 %';
  return `${percent.toFixed(Number.isInteger(percent) ? 0 : 1)} %`;
}
