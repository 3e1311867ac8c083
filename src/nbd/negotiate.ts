import type { DiskUse, DiskUses } from './disk-uses.ts';
import { holdExport } from './held-export.ts';
import { answerOption, type OptionState, type TlsStage } from './option-answers.ts';
import { OPTION_HEADER_BYTES, readOptionHeader, type ClientFlags } from './option-data.ts';
import type { Wire } from './wire.ts';

export interface NegotiateOptions {
  readonly uses: DiskUses;
  readonly flags: ClientFlags;
  readonly tls: TlsStage;
}

/** How the choice of options ended. */
export type Outcome =
  | {
      readonly kind: 'transmit';
      /** The receiver's to release. */
      readonly use: DiskUse;
      readonly replies: 'simple' | 'structured';
      readonly hasAllocation: boolean;
    }
  /** The client was told to begin with TLS; after that it chooses options from the start. */
  | { readonly kind: 'secure' }
  | { readonly kind: 'ended' };

/**
 * Answers options until the client has chosen a disk, begins with TLS, or leaves. proto.md, "Fixed
 * newstyle negotiation".
 * @throws KgetError `protocol` if the client breaks the protocol, or asks by EXPORT_NAME for what
 *   it cannot have
 */
export async function negotiate(wire: Wire, options: NegotiateOptions): Promise<Outcome> {
  const held = holdExport(options.uses);
  const state: OptionState = { ...options, held, replies: 'simple', allocationName: undefined };
  try {
    for (;;) {
      const head = await wire.read(OPTION_HEADER_BYTES);
      if (head === undefined) return { kind: 'ended' };
      const { option, dataBytes } = readOptionHeader(head);
      const data = await wire.read(dataBytes);
      if (data === undefined) return { kind: 'ended' };
      const step = await answerOption(option, data, state);
      await wire.write(step.replies);
      switch (step.kind) {
        case 'go-on':
          break;
        case 'secure':
        case 'ended':
          return { kind: step.kind };
        case 'transmit': {
          const { replies, allocationName } = state;
          const hasAllocation = allocationName === step.use.name;
          return { kind: 'transmit', use: held.handOver(step.use), replies, hasAllocation };
        }
      }
    }
  } finally {
    held.letGo();
  }
}
