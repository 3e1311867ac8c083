import { describeFault } from './fault.ts';
import type { ChaosSummary, RoundRecord } from './record.ts';

/** A round in one line: what was done to it, how its commands ended, and how long it took. */
export function roundLine(round: RoundRecord, seed: number): string {
  const faults = round.faults.map((fault) => {
    const { recoverySeconds } = fault;
    const after =
      recoverySeconds === null ? 'missed' : `${recoverySeconds.toFixed(1)} s to the end`;
    return `${describeFault(fault)} [${after}]`;
  });
  const given = round.givesBack ? ', nodes given back' : '';
  const outcome = round.problems.length === 0 ? 'ok' : 'FAILED';
  const exits = round.exitCodes.map(String).join(' ');
  return (
    `${seed}:${round.number} ${outcome} ${round.seconds.toFixed(1)} s, exits ${exits}; ` +
    `${round.layout}, copies ${round.copies}${given}; ${faults.join(', ')}`
  );
}

/** A series as Markdown. */
export function summaryText(summary: ChaosSummary): string {
  const { rounds, failed, unaided, resumes } = summary;
  const head =
    `${rounds} rounds, ${failed} with findings; ${unaided} brought everything with the first ` +
    `command, the others went on ${resumes} times; median ${secondsText(summary.medianSeconds)}, ` +
    `worst ${secondsText(summary.worstSeconds)}`;
  const rows = summary.kinds
    .filter(({ drawn }) => drawn > 0)
    .map(
      (kind) =>
        `| ${kind.kind} | ${kind.drawn} | ${kind.struck} | ${kind.failed} | ` +
        `${secondsText(kind.medianRecoverySeconds)} | ${secondsText(kind.worstRecoverySeconds)} |`,
    );
  return [
    head,
    '',
    '| fault | rounds with it | struck | with findings | until done, median | worst |',
    '| --- | ---: | ---: | ---: | ---: | ---: |',
    ...rows,
  ].join('\n');
}

function secondsText(seconds: number | null): string {
  return seconds === null ? '–' : `${seconds.toFixed(1)} s`;
}
