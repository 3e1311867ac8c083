/** A time axis from 0 to `maxSeconds`; positions are percents, for SVG at any width. */
export interface TimeAxis {
  readonly maxSeconds: number;
  /** What the numbers at the ticks count, e.g. `Minutes`. */
  readonly unit: string;
  readonly ticks: readonly Tick[];
}

interface Tick {
  readonly seconds: number;
  readonly label: string;
  /** Labels that narrow screens leave out. */
  readonly minor: boolean;
}

/** A unit serves up to `maxSeconds`, with steps that are round numbers in it. */
const UNITS = [
  { name: 'Seconds', seconds: 1, maxSeconds: 300, steps: [1, 2, 5, 10, 20, 30, 60] },
  { name: 'Minutes', seconds: 60, maxSeconds: 3 * 3600, steps: [0.5, 1, 2, 5, 10, 15, 30] },
  { name: 'Hours', seconds: 3600, maxSeconds: Infinity, steps: [0.5, 1, 2, 3, 6, 12, 24] },
];

const MAX_TICKS = 10;

/**
 * The axis for a time span; an empty or unusable span counts as one second. It counts in what people
 * would use for the span, unless a unit is named.
 */
export function timeAxis(spanSeconds: number, unitName?: 'Seconds'): TimeAxis {
  const maxSeconds = spanSeconds > 0 && Number.isFinite(spanSeconds) ? spanSeconds : 1;
  const unit = UNITS.find((candidate) =>
    unitName === undefined ? maxSeconds <= candidate.maxSeconds : candidate.name === unitName,
  );
  const { name, seconds, steps } = unit ?? { name: 'Hours', seconds: 3600, steps: [] };
  const span = maxSeconds / seconds;
  const fitting = span > 5 ? steps.find((step) => span / step <= MAX_TICKS) : undefined;
  const step = fitting ?? decimalStep(span / MAX_TICKS);
  const count = Math.floor(span / step + 1e-9) + 1;
  const ticks = Array.from({ length: count }, (_, index) => ({
    seconds: index * step * seconds,
    label: String(Number((index * step).toPrecision(6))),
    minor: index % 2 === 1,
  }));
  return { maxSeconds, unit: name, ticks };
}

/** What to write at the axis. */
export function axisTitle(axis: TimeAxis): string {
  return `${axis.unit} since the start of the command`;
}

/** Where a moment lies, as an attribute value such as `12.5%`; never beyond the ends. */
export function position(axis: TimeAxis, seconds: number): string {
  return `${percent(axis, seconds)}%`;
}

/** As `position`, as a number from 0 to 100 with two decimals. */
export function percent(axis: TimeAxis, seconds: number): number {
  const share = Math.min(1, Math.max(0, seconds / axis.maxSeconds));
  return Math.round(share * 10_000) / 100;
}

/** The least of 1, 2, 5, 10, 20, … (and 0.5, 0.2, …) that is not below `least`. */
function decimalStep(least: number): number {
  const decade = 10 ** Math.floor(Math.log10(least));
  const factor = [1, 2, 5].find((candidate) => candidate * decade >= least) ?? 10;
  return factor * decade;
}
