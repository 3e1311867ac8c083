/** Far enough from the small seeds whose first numbers are small too. */
const SEED = 1_234_567_890;

/**
 * `count` sizes of a log-normal distribution, in units of their mean: exp(σ·z), z standard normal
 * by Box and Muller (1958). The same arguments give the same sizes.
 */
export function logNormalSizes(count: number, sigma: number): readonly number[] {
  const next = minimalStandard(SEED);
  const sizes = Array.from({ length: count }, () => {
    const radius = Math.sqrt(-2 * Math.log(next()));
    return Math.exp(sigma * radius * Math.cos(2 * Math.PI * next()));
  });
  const sum = sizes.reduce((left, right) => left + right, 0);
  return sizes.map((size) => (size * count) / sum);
}

/** Numbers between 0 and 1: Park and Miller's generator with the multiplier 48271 (1993). */
function minimalStandard(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
