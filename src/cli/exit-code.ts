import { KgetError } from '../base/error.ts';
import type { RunReport } from '../report/record.ts';

/** What the command's exit codes mean; part of the interface for scripts. */
export const EXIT = {
  ok: 0,
  unexpected: 1,
  usage: 2,
  someMissing: 3,
  noneArrived: 4,
  verificationFailed: 5,
  interrupted: 130,
} as const;

/** The exit code of a gather that ran. */
export function exitCodeOf(report: RunReport, interrupted: boolean): number {
  if (interrupted) return EXIT.interrupted;
  const { images, safe } = report.summary;
  if (safe === 0) return EXIT.noneArrived;
  const troubled = report.nodes.some((node) => node.state !== 'released');
  return safe < images || troubled ? EXIT.someMissing : EXIT.ok;
}

/** The exit code of a dry run: what a gather would end with if nothing failed in it. */
export function exitCodeOfDryRun(
  {
    images,
    failures,
  }: { readonly images: readonly unknown[]; readonly failures: readonly unknown[] },
  interrupted: boolean,
): number {
  if (interrupted) return EXIT.interrupted;
  if (images.length === 0) return EXIT.noneArrived;
  return failures.length > 0 ? EXIT.someMissing : EXIT.ok;
}

/** The exit code of a command that could not do its work. */
export function exitCodeOfError(error: unknown): number {
  if (!(error instanceof KgetError)) return EXIT.unexpected;
  switch (error.code) {
    case 'usage':
      return EXIT.usage;
    case 'cancelled':
      return EXIT.interrupted;
    case 'corrupt':
      return EXIT.verificationFailed;
    case 'no-room':
    case 'target-unwritable':
    case 'locked':
    case 'unreachable':
    case 'no-node':
    case 'no-match':
    case 'name-clash':
    case 'source-unreadable':
    case 'source-changed':
    case 'disconnected':
    case 'timeout':
    case 'version':
    case 'protocol':
      return EXIT.noneArrived;
    case 'internal':
      return EXIT.unexpected;
  }
}
