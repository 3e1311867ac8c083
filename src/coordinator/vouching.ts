import type { ImageFacts, TransferFacts } from './facts.ts';
import type { Run } from './run.ts';

/** Why a copy must not count: its origin cannot vouch for it, or vouches for other contents. */
export type Objection = 'unvouched' | 'differs';

/** What speaks against counting a copy of `image` that has `digest`; nothing if it may count. */
export function objectionTo(
  run: Run,
  image: ImageFacts,
  copy: { readonly transfer: TransferFacts; readonly digest: string },
): Objection | undefined {
  const { from } = copy.transfer;
  const { digest, vouch, node } = image;
  if (vouch === 'refused') return from === node ? 'unvouched' : undefined;
  if (digest === null || digest === copy.digest) return undefined;
  if (!isLastVersion(run, image, from)) return 'differs';
  const text = `gave another version of ${image.id} than its node has scanned, which is gone`;
  run.ports.observer.notice(from, text);
  image.vouch = 'none';
  return undefined;
}

/**
 * Whether only copies that an earlier run left, as the one at `from`, are left of an image: the
 * version that its origin vouched for is gone with it.
 */
function isLastVersion(
  { facts }: Run,
  { node, relayed, vouch }: ImageFacts,
  from: string,
): boolean {
  const takesPart = (name: string): boolean => {
    const state = facts.nodes.get(name)?.state;
    return state === 'starting' || state === 'working';
  };
  if (vouch !== 'given' || from === node || relayed.has(from)) return false;
  return ![node, ...relayed.keys()].some(takesPart);
}
