import type { Identity } from '../../src/transfer/transfer.ts';

/** What the two processes of a stream are started with, as JSON. */
export interface SenderSetup {
  readonly identity: Identity;
  readonly path: string;
  readonly indexPath: string;
  readonly chunkSizeBytes: number;
}

export interface ReceiverSetup {
  readonly identity: Identity;
  readonly path: string;
  readonly chunkSizeBytes: number;
  readonly port: number;
}
