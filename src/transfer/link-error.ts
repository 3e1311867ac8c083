import { KgetError, systemCode } from '../base/error.ts';
import type { PullOptions } from './transfer.ts';

/** How far a connection has come. */
export type Stage = 'connecting' | 'greeting' | 'open' | 'ended';

/** What was attempted, for the beginning of a message. */
export function attempted({ image, from }: PullOptions): string {
  return `Cannot pull image "${image}" from ${from.node} (${from.host}:${from.port})`;
}

/**
 * What it means that a connection ended, of itself or with `error`: `unreachable` before it was
 * there,
 * `protocol` if the peer does not prove to be who it should be, else `disconnected`.
 */
export function linkError(
  options: PullOptions,
  end: { readonly stage: Stage; readonly error?: Error },
): KgetError {
  const { stage, error } = end;
  const text = `${attempted(options)}: ${error?.message ?? 'the connection was closed'}`;
  const cause = { cause: error };
  if (stage === 'connecting') return new KgetError('unreachable', text, cause);
  const isLoss = error === undefined || systemCode(error) === 'ECONNRESET';
  if (stage === 'open' || isLoss) return new KgetError('disconnected', text, cause);
  const wanted = `wanted a certificate of this run for ${options.from.node}`;
  return new KgetError('protocol', `${text}; ${wanted}`, cause);
}
