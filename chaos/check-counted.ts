import { parseReport } from '../src/report/json.ts';
import type { CommandEnd } from './command.ts';
import type { PlayedRound } from './check-round.ts';

/** What an image that was there already may still cost: its index, and a word or two. */
const SMALL_BYTES = 64 * 1024;
/** A report that began so much before its command covers those before, too. */
const SAME_BEGINNING_MS = 1000;

/** No image comes again that had counted at the frontend: hardly a byte of it crosses its link. */
export function checkCounted({ commands }: PlayedRound): readonly string[] {
  return commands.slice(1).flatMap((command, index) => {
    const before = commands[index];
    if (command.report === undefined || command.report === before?.report) return [];
    const { arrivals, allowed } = arrivalsIn(command, command.report);
    return [...countedIn(before?.journal)].flatMap((image) => {
      const found = arrivals.get(image) ?? 0;
      if (found <= allowed) return [];
      return [`command ${index + 2} fetched ${image} again, which had counted`];
    });
  });
}

/** Images of which a journal says that their copy at the frontend counts. */
function countedIn(journal: string | undefined): ReadonlySet<string> {
  const counted = new Set<string>();
  for (const line of (journal ?? '').split('\n')) {
    const record = recordIn(line);
    if (record?.type === 'image') counted.delete(record.image ?? '');
    if (record?.type === 'copy' && record.at === null) counted.add(record.image ?? '');
  }
  return counted;
}

/** A line is a record, or has a checksum before it. */
function recordIn(
  line: string,
): { readonly type?: string; readonly image?: string; readonly at?: string | null } | undefined {
  try {
    return JSON.parse(line.slice(line.indexOf('{'))) as { readonly type?: string };
  } catch {
    return undefined;
  }
}

/**
 * How often each image came over the frontend's link whole, as a report tells; `allowed` is how
 * often one may have that had counted before this command.
 */
function arrivalsIn(
  command: CommandEnd,
  text: string,
): { readonly arrivals: ReadonlyMap<string, number>; readonly allowed: number } {
  const arrivals = new Map<string, number>();
  const report = parseReport({ text, file: 'report.json' });
  for (const { image, to, state, wireBytes } of report.transfers) {
    if (to !== 'frontend' || state !== 'done' || wireBytes <= SMALL_BYTES) continue;
    arrivals.set(image, (arrivals.get(image) ?? 0) + 1);
  }
  const isWhole = Date.parse(report.startedAt) < command.begunAtMs - SAME_BEGINNING_MS;
  return { arrivals, allowed: isWhole ? 1 : 0 };
}
