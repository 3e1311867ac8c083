import { KgetError } from '../base/error.ts';
import type { DiskUse, DiskUses } from './disk-uses.ts';
import type { HeldExport } from './held-export.ts';
import { MAX_LISTED_EXPORTS } from './limits.ts';
import {
  readInfoRequest,
  readMetaContextRequest,
  readName,
  type ClientFlags,
} from './option-data.ts';
import {
  encodeAcknowledge,
  encodeExportName,
  encodeInfos,
  encodeMetaContext,
  encodeOptionError,
  encodeServer,
  transmissionFlags,
  type ExportFacts,
} from './option-replies.ts';
import {
  ALLOCATION_CONTEXT,
  ALLOCATION_CONTEXT_ID,
  BASE_WILDCARD,
  OptionError,
  OptionType,
} from './protocol.ts';

/** Whether TLS is to be had, or already there. */
export type TlsStage = 'none' | 'offered' | 'required' | 'active';

/** What a client has chosen so far. */
export interface OptionState {
  readonly uses: DiskUses;
  readonly flags: ClientFlags;
  readonly tls: TlsStage;
  readonly held: HeldExport;
  replies: 'simple' | 'structured';
  /** The export that `base:allocation` was selected for. */
  allocationName: string | undefined;
}

/** What is sent, and how it goes on. */
export type Step =
  | { readonly kind: 'go-on' | 'secure' | 'ended'; readonly replies: readonly Buffer[] }
  | { readonly kind: 'transmit'; readonly replies: readonly Buffer[]; readonly use: DiskUse };

/** @throws KgetError `protocol` where an error cannot be answered */
export function answerOption(
  option: number,
  data: Buffer,
  state: OptionState,
): Step | Promise<Step> {
  if (option === OptionType.exportName) return answerExportName(data, state);
  if (!state.flags.isFixedNewstyle) {
    throw new KgetError('protocol', `Cannot answer option ${option}: not fixed newstyle`);
  }
  if (option === OptionType.abort) return { kind: 'ended', replies: [encodeAcknowledge(option)] };
  if (option === OptionType.startTls) return answerStartTls(data, state);
  if (state.tls === 'required') return refuse(option, OptionError.tlsRequired, 'TLS is required');
  switch (option) {
    case OptionType.list:
      return answerList(data, state);
    case OptionType.info:
    case OptionType.go:
      return answerInfo(option, data, state);
    case OptionType.structuredReply:
      if (data.length > 0) return refuse(option, OptionError.invalid, 'The option takes no data');
      state.replies = 'structured';
      return accept(option);
    case OptionType.listMetaContext:
    case OptionType.setMetaContext:
      return answerMetaContext(option, data, state);
    default:
      return refuse(option, OptionError.unsupported, `Option ${option} is not known`);
  }
}

/** The one option that knows no errors: who asks for what is not there is left. */
async function answerExportName(data: Buffer, state: OptionState): Promise<Step> {
  if (state.tls === 'required') {
    throw new KgetError('protocol', 'Cannot serve an export: the client did not begin with TLS');
  }
  const name = readName(data);
  if (name.kind === 'refused') throw new KgetError('protocol', name.message);
  const use = await state.held.use(name.value);
  if (use === undefined) {
    throw new KgetError('protocol', `Cannot serve export "${name.value}": there is none`);
  }
  const zeroes = state.flags.wantsNoZeroes ? 'no-zeroes' : 'zeroes';
  return { kind: 'transmit', replies: [encodeExportName(factsOf(use, state), zeroes)], use };
}

function answerStartTls(data: Buffer, { tls }: OptionState): Step {
  const option = OptionType.startTls;
  if (data.length > 0) return refuse(option, OptionError.invalid, 'The option takes no data');
  if (tls === 'none') return refuse(option, OptionError.policy, 'TLS is not set up here');
  if (tls === 'active') return refuse(option, OptionError.invalid, 'TLS is active already');
  return { kind: 'secure', replies: [encodeAcknowledge(option)] };
}

function answerList(data: Buffer, { uses }: OptionState): Step {
  const option = OptionType.list;
  if (data.length > 0) return refuse(option, OptionError.invalid, 'The option takes no data');
  const names = uses.names();
  if (names.length > MAX_LISTED_EXPORTS) {
    return refuse(option, OptionError.tooBig, `${names.length} exports are too many for a list`);
  }
  return accept(
    option,
    names.map((name) => encodeServer(option, name)),
  );
}

async function answerInfo(option: number, data: Buffer, state: OptionState): Promise<Step> {
  const request = readInfoRequest(data);
  if (request.kind === 'refused') return refuse(option, request.error, request.message);
  const use = await state.held.use(request.value.name);
  if (use === undefined) return refuse(option, OptionError.unknown, 'There is no such export');
  const step = accept(option, encodeInfos(option, factsOf(use, state), request.value.types));
  return option === OptionType.go ? { ...step, kind: 'transmit', use } : step;
}

/** Lists or selects contexts; a selection replaces the earlier one, also if it fails. */
async function answerMetaContext(option: number, data: Buffer, state: OptionState): Promise<Step> {
  const isSelection = option === OptionType.setMetaContext;
  if (isSelection) state.allocationName = undefined;
  if (state.replies === 'simple') {
    return refuse(option, OptionError.invalid, 'Structured replies have to be chosen before');
  }
  const request = readMetaContextRequest(data);
  if (request.kind === 'refused') return refuse(option, request.error, request.message);
  const { name, queries } = request.value;
  const use = await state.held.use(name);
  if (use === undefined) return refuse(option, OptionError.unknown, 'There is no such export');
  const isNamed = queries.includes(ALLOCATION_CONTEXT);
  if (isSelection) {
    if (!isNamed) return accept(option);
    state.allocationName = use.name;
    return accept(option, [encodeMetaContext(option, ALLOCATION_CONTEXT_ID)]);
  }
  const isListed = isNamed || queries.length === 0 || queries.includes(BASE_WILDCARD);
  return accept(option, isListed ? [encodeMetaContext(option, 0)] : []);
}

function factsOf({ name, disk }: DiskUse, { replies }: OptionState): ExportFacts {
  const { sizeBytes, blockBytes } = disk;
  return { name, sizeBytes, blockBytes, transmissionFlags: transmissionFlags(replies) };
}

function accept(option: number, replies: readonly Buffer[] = []): Step {
  return { kind: 'go-on', replies: [...replies, encodeAcknowledge(option)] };
}

function refuse(option: number, error: OptionError, message: string): Step {
  return { kind: 'go-on', replies: [encodeOptionError(option, error, message)] };
}
