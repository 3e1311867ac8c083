import type { JournalRecord } from './journal.ts';

type Logged<Type extends JournalRecord['type']> = Extract<JournalRecord, { type: Type }>;

/** What an unfinished run into the same directory left behind. */
export interface Resumption {
  readonly run: string;
  /** When its first command began: ISO 8601. */
  readonly startedAt: string;
  /** The latest moment that the journal knows, in seconds since then. */
  readonly lastSeconds: number;
  /** The paths that it gathers, if it said so. */
  readonly patterns?: readonly string[] | undefined;
  /** How it lays images down, if it said so. */
  readonly layout?: 'files' | 'store';
  /** The last of its commands that said how it was given. */
  readonly invocation: Invocation | undefined;
  /** Node sets of the nodes that its commands named. */
  readonly nodeSets: readonly string[];
  readonly released: ReadonlyMap<string, EarlierRelease>;
  readonly images: ReadonlyMap<string, ResumedImage>;
  /** In the order in which they ended. */
  readonly transfers: readonly EarlierTransfer[];
}

/** The words of a command, and the directory in which they were said. */
interface Invocation {
  readonly command: readonly string[];
  readonly workingDirectory: string;
}

/** Seconds since the run began; null where the journal does not say. */
export interface EarlierRelease {
  readonly releasedSeconds: number | null;
  readonly readySeconds: number | null;
  /** Its release command has succeeded. */
  readonly givenBack: boolean;
}

export interface EarlierTransfer {
  readonly image: string;
  readonly from: string;
  /** Null for the frontend. */
  readonly to: string | null;
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly wireBytes: number;
  readonly chunks: number;
  readonly state: 'done' | 'failed';
}

interface ResumedImage {
  readonly node: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly safe: boolean;
  /** Nodes other than its own on which a copy was durable. */
  readonly copies: readonly string[];
  /** Of its copies, as `copy` records tell. */
  readonly digest?: string | undefined;
  readonly chunkSizeBytes?: number | undefined;
  readonly dataBytes?: number | undefined;
}

/** A run as far as its records have been read. */
interface Unfinished {
  first: Logged<'run'>;
  last: Logged<'run'>;
  invocation: Invocation | undefined;
  readonly nodeSets: string[];
  readonly released: Map<string, EarlierRelease>;
  readonly images: Map<string, ResumedImage>;
  readonly transfers: EarlierTransfer[];
}

/**
 * Folds the records of a journal; undefined when the last run in it has ended, or there is none.
 */
export function foldJournal(
  records: readonly JournalRecord[],
  { incomplete = false } = {},
): Resumption | undefined {
  let run: Unfinished | undefined;
  let ended: Unfinished | undefined;
  for (const record of records) {
    if (record.type === 'end') {
      ended = record.incomplete === true ? run : undefined;
      run = undefined;
    } else if (record.type === 'run') {
      run = withCommand(run ?? (ended?.last.run === record.run ? ended : undefined), record);
      ended = undefined;
    } else if (run !== undefined) apply(run, record);
  }
  run ??= incomplete ? ended : undefined;
  if (run === undefined) return undefined;
  const { first, last, released, transfers, ...rest } = run;
  const moments = [
    ...transfers.map(({ endSeconds }) => endSeconds),
    ...[...released.values()].map(({ releasedSeconds }) => releasedSeconds ?? 0),
  ];
  return {
    ...rest,
    released,
    transfers,
    run: last.run,
    startedAt: first.startedAt,
    lastSeconds: moments.reduce((latest, moment) => Math.max(latest, moment), 0),
    patterns: last.patterns,
    layout: last.layout ?? 'files',
  };
}

/** The run of a journal that has ended, and for how long it had run if that is known. */
export interface EndedRun {
  readonly run: string;
  readonly startedAt: string;
  readonly seconds: number | undefined;
}

/** The last run of a journal if it has ended; undefined if it has not, or there is none. */
export function endedRun(records: readonly JournalRecord[]): EndedRun | undefined {
  let first: Logged<'run'> | undefined;
  let ended: EndedRun | undefined;
  for (const record of records) {
    if (record.type === 'run') first ??= record;
    if (record.type === 'run') ended = undefined;
    if (record.type !== 'end' || first === undefined) continue;
    ended = { run: first.run, startedAt: first.startedAt, seconds: record.seconds };
    first = undefined;
  }
  return ended;
}

function withCommand(before: Unfinished | undefined, record: Logged<'run'>): Unfinished {
  const run: Unfinished = before ?? {
    first: record,
    last: record,
    invocation: undefined,
    nodeSets: [],
    released: new Map(),
    images: new Map(),
    transfers: [],
  };
  run.last = record;
  const { command, workingDirectory, nodes } = record;
  if (command !== undefined && workingDirectory !== undefined) {
    run.invocation = { command, workingDirectory };
  }
  if (nodes !== undefined && !run.nodeSets.includes(nodes)) run.nodeSets.push(nodes);
  return run;
}

function apply(
  run: Unfinished,
  record: Exclude<JournalRecord, Logged<'run'> | Logged<'end'>>,
): void {
  const { released, images, transfers } = run;
  switch (record.type) {
    case 'image': {
      const { node, path, sizeBytes } = record;
      images.set(record.image, { node, path, sizeBytes, safe: false, copies: [] });
      // It was asked back: it takes part until it is released again.
      released.delete(node);
      break;
    }
    case 'copy': {
      const image = images.get(record.image);
      if (image !== undefined) images.set(record.image, withCopy(image, record));
      if (record.transfer !== undefined) transfers.push(transferOf(record, record.transfer));
      if (record.at !== null) released.delete(record.at);
      break;
    }
    case 'failed':
      transfers.push(transferOf(record, record.transfer));
      break;
    case 'released': {
      const { node, seconds = null, readySeconds = null } = record;
      released.set(node, { releasedSeconds: seconds, readySeconds, givenBack: false });
      break;
    }
    case 'given-back': {
      const release = released.get(record.node);
      if (release !== undefined) released.set(record.node, { ...release, givenBack: true });
      break;
    }
  }
}

function withCopy(image: ResumedImage, record: Logged<'copy'>): ResumedImage {
  const { at, digest, chunkSizeBytes, dataBytes } = record;
  const told = { ...image, digest, chunkSizeBytes, dataBytes };
  return at === null ? { ...told, safe: true } : { ...told, copies: [...image.copies, at] };
}

function transferOf(
  record: Logged<'copy'> | Logged<'failed'>,
  figures: Logged<'failed'>['transfer'],
): EarlierTransfer {
  const isDone = record.type === 'copy';
  const to = isDone ? record.at : record.to;
  return { ...figures, image: record.image, to, state: isDone ? 'done' : 'failed' };
}
