/** What a row of the table is about; everything else is as simple as can be. */
export interface Terms {
  readonly nodes: number;
  /** Of the log-normal sizes of the images, one on each node; equal by default. */
  readonly sigma?: number;
  /** A part of all links are slower, evenly spread. */
  readonly slow?: Some<{ readonly rate: number }>;
  /** Every node's link in each direction, in links of the frontend. */
  readonly links?: { readonly up: number; readonly down: number };
  /** Disks that read slower than a (fast) node's link, evenly spread. */
  readonly disks?: Some<{ readonly rate: number }>;
  /** Foreign images of mean size that a node has room for. */
  readonly room?: number;
  /** The frontend's link in links of a (fast) node; just enough nodes may send to it. */
  readonly frontend?: number;
  readonly racks?: {
    readonly nodes: number;
    /** As the nodes come: one rack after the other, or each from another rack. */
    readonly order: Order;
  };
  /** What share of each image it has in common with those of its family. */
  readonly families?: { readonly count: number; readonly share: number; readonly order: Order };
  /** Some nodes have a deadline, the same. */
  readonly deadlines?: Some<object>;
  /** Some nodes count more. */
  readonly weights?: Some<{ readonly weight: number }>;
  /** Of each image before its node is released; one by default. */
  readonly copies?: number;
}

type Order = 'in order' | 'mixed';

/** The first of so many nodes, and of each as many that follow. */
type Some<Facts> = Facts & { readonly every: number };

/** Links of a rack's nodes to its uplink. */
export const OVERSUBSCRIPTION = 4;
