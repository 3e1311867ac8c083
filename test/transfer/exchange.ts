import assert from 'node:assert/strict';
import type { ErrorCode, KgetError } from '../../src/base/error.ts';
import { createAuthority, type Authority } from '../../src/transfer/identity.ts';
import { pull } from '../../src/transfer/pull.ts';
import { unlimited } from '../../src/transfer/rate-limit.ts';
import { serve } from '../../src/transfer/serve.ts';
import type {
  Pull,
  PullBlame,
  PullOptions,
  ServeOptions,
  Server,
} from '../../src/transfer/transfer.ts';
import { CHUNK_BYTES, memoryLanding, type MemoryImage, type MemoryLanding } from './memory.ts';

/** One authority for all tests of a file: making keys takes time. */
export function newAuthority(): Promise<Authority> {
  return createAuthority(new Date());
}

export interface Exchange extends AsyncDisposable {
  readonly server: Server;
  readonly notices: string[];
  /** The landing of the last pull. */
  landing(): MemoryLanding;
  pull(options?: ExchangePull): Pull;
}

export interface ExchangePull extends Partial<PullOptions> {
  readonly seeds?: readonly Buffer[];
  readonly onWrite?: (position: number) => void;
}

/** A server of one image called `disk` on the node `sender`, and pulls from it. */
export async function exchange(
  authority: Authority,
  image: MemoryImage,
  serveOptions: Partial<ServeOptions> = {},
): Promise<Exchange> {
  const notices: string[] = [];
  const identity = await authority.issue('receiver');
  const server = await serve({
    identity: await authority.issue('sender'),
    find: (id) => (id === 'disk' ? image : undefined),
    upload: unlimited,
    onNotice: (text) => notices.push(text),
    ...serveOptions,
  });
  let landing: MemoryLanding | undefined;

  function land(sizeBytes: number, options: ExchangePull): Promise<MemoryLanding> {
    const { seeds = [], onWrite = () => undefined } = options;
    landing = memoryLanding({ sizeBytes, seeds, onWrite });
    return Promise.resolve(landing);
  }

  return {
    server,
    notices,
    landing: () => {
      if (landing === undefined) throw new Error('nothing has landed');
      return landing;
    },
    pull: (options = {}) =>
      pull({
        identity,
        from: { node: 'sender', host: '127.0.0.1', port: server.port },
        image: 'disk',
        land: (sizeBytes) => land(sizeBytes, options),
        chunkSizeBytes: CHUNK_BYTES,
        download: unlimited,
        signal: new AbortController().signal,
        ...options,
      }),
    [Symbol.asyncDispose]: () => server.close(),
  };
}

/** Waits for the pull to fail, and checks how. */
export async function expectFailure(
  pulled: Pull,
  blame: PullBlame,
  code: ErrorCode,
): Promise<KgetError> {
  const outcome = await pulled.outcome;
  assert.ok(outcome.state === 'failed', 'the pull fails');
  assert.deepEqual([outcome.blame, outcome.error.code], [blame, code], outcome.error.message);
  return outcome.error;
}
