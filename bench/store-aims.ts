/** What a figure of ours, divided by the rival's, should be. */
export interface Aim {
  readonly sense: 'at most' | 'below' | 'at least';
  readonly ratio: number;
}

/** What the store is to reach on the images of `npm run bench:store`. */
export const AIMS = {
  storedRestic: { sense: 'at most', ratio: 1.05 },
  storedCasync: { sense: 'below', ratio: 1 },
  /** Of what restic stored. */
  wire: { sense: 'at most', ratio: 1.05 },
  seconds: { sense: 'at most', ratio: 0.5 },
  /** Of the bytes that changed and the indexes. */
  secondWire: { sense: 'at most', ratio: 1.15 },
  /** Of the speed of cp. */
  restore: { sense: 'at least', ratio: 0.7 },
  nbd: { sense: 'at least', ratio: 0.5 },
} as const satisfies Record<string, Aim>;

/** Whether a ratio is as it should be. */
export function meets(ratio: number, { sense, ratio: wanted }: Aim): boolean {
  switch (sense) {
    case 'at most':
      return ratio <= wanted;
    case 'below':
      return ratio < wanted;
    case 'at least':
      return ratio >= wanted;
  }
}
