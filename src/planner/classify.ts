import type { Sketch } from '../base/sketch.ts';
import { countKin, resize } from './copies.ts';
import { MAX_KINDS, MIN_SHARED, sharedChunks } from './kin.ts';
import type { Image, Kin, State } from './state.ts';

/** Finds out what `image` is like: the kind of which it has most, or the founder of a new one. */
export function classify(state: State, image: Image, sketch: Sketch): void {
  if (image.kin !== undefined || image.state === 'safe' || sketch.chunks === 0) return;
  let best: { kin: Kin; shared: number } | undefined;
  for (const kin of state.kin) {
    const shared = sharedChunks(sketch, kin.sketch);
    if (shared > (best?.shared ?? 0)) best = { kin, shared };
  }
  if (best !== undefined && best.shared >= MIN_SHARED * sketch.chunks) {
    joinKin(state, image, { kin: best.kin, sharedShare: Math.min(1, best.shared / sketch.chunks) });
    const { founder } = best.kin;
    const founderShare = Math.min(1, best.shared / best.kin.sketch.chunks);
    if (founder.sharedShare === 0) resize(state, founder, { sharedShare: founderShare });
  } else if (state.kin.length < MAX_KINDS) {
    const kin = { founder: image, sketch, holders: 0, isThere: false, coming: 0 };
    state.kin.push(kin);
    joinKin(state, image, { kin, sharedShare: 0 });
  }
}

function joinKin(
  state: State,
  image: Image,
  { kin, sharedShare }: { kin: Kin; sharedShare: number },
) {
  image.kin = kin;
  for (const copy of image.copies) countKin(copy, 1);
  resize(state, image, { sharedShare });
}
