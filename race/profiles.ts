/** A race that others can repeat: the lab, its images, who runs. */
export interface Profile {
  readonly about: string;
  readonly nodes: number;
  /** Of each node's link and of the frontend's, both ways, as tc(8) writes it. */
  readonly rate: string;
  /** How many nodes have a slower link, and how fast that is; taken from the last ones. */
  readonly slow?: { readonly nodes: number; readonly rate: string };
  readonly racks?: { readonly count: number; readonly uplinkRate: string };
  /** As `npm run lab -- up --image` takes it; with `sigma`, SIZE is the median size. */
  readonly image: string;
  /** Sizes are drawn from a log-normal distribution with this spread. */
  readonly sigma?: number;
  /** Contenders that this race leaves out by default. */
  readonly without: readonly string[];
}

const NO_STORE = ['restic'];

export const PROFILES: Readonly<Record<string, Profile>> = {
  quick: {
    about: '8 nodes, small random images: does everything work?',
    nodes: 8,
    rate: '40mbit',
    image: 'incompressible:4MiB',
    without: [],
  },
  paper: {
    about: '64 nodes, random images: the case of the paper, scaled to one machine',
    nodes: 64,
    rate: '20mbit',
    image: 'incompressible:16MiB',
    without: NO_STORE,
  },
  real: {
    about: '16 nodes, ext4 images with the same Debian base and changes of their own',
    nodes: 16,
    rate: '100mbit',
    image: 'ext4:128MiB:2%',
    without: [],
  },
  skew: {
    about: '16 nodes, unequal sizes, a quarter of the nodes with half the rate',
    nodes: 16,
    rate: '40mbit',
    slow: { nodes: 4, rate: '20mbit' },
    image: 'incompressible:8MiB',
    sigma: 0.8,
    without: NO_STORE,
  },
  racks: {
    about: '16 nodes in 4 racks, whose uplinks carry half of what their nodes can send',
    nodes: 16,
    rate: '40mbit',
    racks: { count: 4, uplinkRate: '80mbit' },
    image: 'incompressible:8MiB',
    without: NO_STORE,
  },
};

/**
 * Sizes for n nodes around a median, in whole mebibytes: quantiles of the log-normal distribution
 * in an order that has nothing to do with the nodes' numbers, the same every time.
 */
export function logNormalSizes(
  count: number,
  { medianBytes, sigma }: { readonly medianBytes: number; readonly sigma: number },
): readonly number[] {
  return Array.from({ length: count }, (_, index) => {
    // A stride that shares no factor with the count visits every quantile once.
    const rank = (index * strideFor(count)) % count;
    const size = medianBytes * Math.exp(sigma * normalQuantile((rank + 0.5) / count));
    return Math.max(1, Math.round(size / MiB)) * MiB;
  });
}

const MiB = 1024 * 1024;

function strideFor(count: number): number {
  let stride = Math.max(1, Math.round(count * 0.382));
  while (divisor(stride, count) !== 1) stride += 1;
  return stride;
}

function divisor(one: number, other: number): number {
  return other === 0 ? one : divisor(other, one % other);
}

/** Of the standard normal distribution, by the logistic approximation of Bowling et al. (2009). */
function normalQuantile(share: number): number {
  return Math.log(share / (1 - share)) / 1.702;
}
