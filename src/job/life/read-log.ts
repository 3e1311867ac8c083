import type { Host } from '../hosts/hosts.ts';

export interface LogOptions {
  /** What the command says, or the console of the machine. */
  readonly source: 'command' | 'console';
  /** Where to begin, in bytes. */
  readonly offset: number;
  /** No more than about so much is read. */
  readonly maxBytes: number;
  readonly signal?: AbortSignal;
}

export interface LogPart {
  readonly text: string;
  readonly nextOffset: number;
}

const PIECE_LIMIT_MS = 30_000;

/** What is there of a machine's log, from an offset on. @throws KgetError what the host throws */
export async function readLog(vm: string, host: Host, options: LogOptions): Promise<LogPart> {
  const { source, maxBytes, signal } = options;
  const pieces: string[] = [];
  const terms = { limitMs: PIECE_LIMIT_MS, ...(signal !== undefined && { signal }) };
  let { offset } = options;
  while (offset - options.offset < maxBytes) {
    const { text, nextOffset } = await host.caller.call('log', { vm, source, offset }, terms);
    if (nextOffset <= offset) break;
    pieces.push(text);
    offset = nextOffset;
  }
  return { text: pieces.join(''), nextOffset: offset };
}
