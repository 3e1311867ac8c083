/** All that takes bytes from disks or peers: an entry each. */
import { ERROR_CODES } from '../src/base/error.ts';
import { dialogueSamples, stderrSamples, tryDialogue, tryStderr } from './bootstrap-trials.ts';
import { chunkSamples, tryChunk } from './chunk-trials.ts';
import { manifestSamples, reportSamples, tryManifest, tryReport } from './document-trials.ts';
import {
  answerStreams,
  requestStreams,
  tryAnswerFrames,
  tryRequestFrames,
} from './frame-trials.ts';
import { globSamples, mutateGlob, selectorSamples, tryGlob, trySelector } from './glob-trials.ts';
import {
  extentSamples,
  qcow2Samples,
  speedSamples,
  tryExtents,
  tryQcow2,
  trySpeed,
} from './host-trials.ts';
import { indexSamples, mutateIndex, tryBlobIndex, tryFixedIndex } from './index-trials.ts';
import {
  journalSamples,
  mutateRecords,
  recordSamples,
  tryJournal,
  tryRecords,
} from './journal-trials.ts';
import { machineTargets } from './machine-targets.ts';
import {
  agentSamples,
  coordinatorSamples,
  holderSamples,
  mutateMessages,
  tryAgentMessage,
  tryCoordinatorMessage,
  tryHolderMessage,
  tryMessageStream,
  tryVisitorMessage,
  visitorSamples,
} from './message-trials.ts';
import { mutateBytes } from './mutate-bytes.ts';
import { mutateFrames } from './mutate-frames.ts';
import { mutateJson } from './mutate-json.ts';
import { mutateText } from './mutate-text.ts';
import { optionSamples, requestSamples, tryOption, tryRequest } from './nbd-trials.ts';
import {
  groupSamples,
  nodeSetSamples,
  topologySamples,
  tryGroups,
  tryNodeSet,
  tryTopology,
} from './nodeset-trials.ts';
import { storeStreams, tryReceiverStore } from './receiver-store-trials.ts';
import { tryReceiver } from './receiver-trials.ts';
import { mutateSegment, segmentSamples, trySegment } from './segment-trials.ts';
import { trySender } from './sender-trials.ts';
import {
  completionSamples,
  leaseSamples,
  lockSamples,
  spoolSamples,
  tryCompletion,
  tryLease,
  tryLock,
  trySpool,
} from './store-trials.ts';
import type { Target } from './target.ts';
import { retentionSamples, tryRetention, tryValue, valueSamples } from './value-trials.ts';

/** What each target gets unless the command says otherwise. */
const INPUTS = 1_000_000;

export const targets: readonly Target[] = [
  {
    name: 'fixed-index',
    codes: ['corrupt'],
    inputs: INPUTS,
    samples: indexSamples,
    mutate: mutateIndex,
    run: tryFixedIndex,
  },
  {
    name: 'blob-index',
    codes: ['corrupt'],
    inputs: INPUTS,
    samples: indexSamples,
    mutate: mutateIndex,
    run: tryBlobIndex,
  },
  {
    name: 'chunk',
    codes: ['corrupt', 'source-unreadable'],
    inputs: INPUTS,
    samples: chunkSamples,
    mutate: mutateBytes,
    run: tryChunk,
  },
  {
    name: 'table-segment',
    codes: ['corrupt'],
    inputs: INPUTS,
    samples: segmentSamples,
    mutate: mutateSegment,
    run: trySegment,
  },
  {
    name: 'report',
    codes: ['corrupt', 'version'],
    inputs: INPUTS,
    samples: reportSamples,
    mutate: mutateJson,
    run: tryReport,
  },
  {
    name: 'manifest',
    codes: ['corrupt', 'version'],
    inputs: INPUTS,
    samples: manifestSamples,
    mutate: mutateJson,
    run: tryManifest,
  },
  {
    name: 'nbd-option',
    codes: ['protocol'],
    inputs: INPUTS,
    samples: optionSamples,
    mutate: mutateBytes,
    run: tryOption,
  },
  {
    name: 'nbd-request',
    codes: ['protocol'],
    inputs: INPUTS,
    samples: requestSamples,
    mutate: mutateBytes,
    run: tryRequest,
  },
  {
    name: 'agent-message',
    codes: ['protocol'],
    inputs: INPUTS,
    samples: agentSamples,
    mutate: mutateJson,
    run: tryAgentMessage,
  },
  {
    name: 'coordinator-message',
    codes: ['protocol'],
    inputs: INPUTS,
    samples: coordinatorSamples,
    mutate: mutateJson,
    run: tryCoordinatorMessage,
  },
  {
    name: 'visitor-message',
    codes: ['protocol'],
    inputs: INPUTS,
    samples: visitorSamples,
    mutate: mutateJson,
    run: tryVisitorMessage,
  },
  {
    name: 'holder-message',
    codes: ['protocol'],
    inputs: INPUTS,
    samples: holderSamples,
    mutate: mutateJson,
    run: tryHolderMessage,
  },
  {
    name: 'message-stream',
    codes: ['protocol', 'disconnected'],
    inputs: INPUTS,
    samples: agentSamples,
    mutate: mutateMessages,
    run: tryMessageStream,
  },
  {
    name: 'bootstrap',
    codes: ['unreachable', 'no-node', 'no-room', 'target-unwritable', 'corrupt', 'protocol'],
    inputs: INPUTS,
    samples: dialogueSamples,
    mutate: mutateText,
    run: tryDialogue,
  },
  {
    name: 'ssh-stderr',
    codes: ['unreachable'],
    inputs: INPUTS,
    samples: stderrSamples,
    mutate: mutateText,
    run: tryStderr,
  },
  {
    name: 'request-frames',
    codes: ['protocol', 'version'],
    inputs: INPUTS,
    samples: requestStreams,
    mutate: mutateFrames,
    run: tryRequestFrames,
  },
  {
    name: 'answer-frames',
    codes: ['protocol', 'corrupt'],
    inputs: INPUTS,
    samples: answerStreams,
    mutate: mutateFrames,
    run: tryAnswerFrames,
  },
  {
    name: 'receiver',
    codes: ERROR_CODES.filter((code) => code !== 'internal'),
    inputs: INPUTS,
    samples: answerStreams,
    mutate: mutateFrames,
    run: tryReceiver,
  },
  {
    name: 'receiver-store',
    codes: ERROR_CODES.filter((code) => code !== 'internal'),
    inputs: INPUTS,
    samples: storeStreams,
    mutate: mutateFrames,
    run: tryReceiverStore,
  },
  {
    name: 'sender',
    codes: ['protocol', 'version', 'source-unreadable'],
    inputs: INPUTS,
    samples: requestStreams,
    mutate: mutateFrames,
    run: trySender,
  },
  {
    name: 'journal',
    codes: ['corrupt', 'version'],
    inputs: INPUTS,
    samples: journalSamples,
    mutate: mutateBytes,
    run: tryJournal,
  },
  {
    name: 'journal-record',
    codes: ['corrupt', 'version'],
    inputs: INPUTS,
    samples: recordSamples,
    mutate: mutateRecords,
    run: tryRecords,
  },
  {
    name: 'spool-record',
    codes: ['corrupt'],
    inputs: INPUTS,
    samples: spoolSamples,
    mutate: mutateJson,
    run: trySpool,
  },
  {
    name: 'lock',
    codes: ['locked'],
    inputs: INPUTS,
    samples: lockSamples,
    mutate: mutateText,
    run: tryLock,
  },
  {
    name: 'lease',
    codes: ['corrupt'],
    inputs: INPUTS,
    samples: leaseSamples,
    mutate: mutateText,
    run: tryLease,
  },
  {
    name: 'batch-completion',
    codes: ['corrupt'],
    inputs: INPUTS,
    samples: completionSamples,
    mutate: mutateJson,
    run: tryCompletion,
  },
  {
    name: 'node-set',
    codes: ['usage'],
    inputs: INPUTS,
    samples: nodeSetSamples,
    mutate: mutateText,
    run: tryNodeSet,
  },
  {
    name: 'group-files',
    codes: ['usage'],
    inputs: INPUTS,
    samples: groupSamples,
    mutate: mutateText,
    run: tryGroups,
  },
  {
    name: 'topology',
    codes: ['usage'],
    inputs: INPUTS,
    samples: topologySamples,
    mutate: mutateText,
    run: tryTopology,
  },
  {
    name: 'glob',
    codes: ['usage'],
    inputs: INPUTS,
    samples: globSamples,
    mutate: mutateGlob,
    run: tryGlob,
  },
  {
    name: 'selector',
    codes: ['usage'],
    inputs: INPUTS,
    samples: selectorSamples,
    mutate: mutateText,
    run: trySelector,
  },
  {
    name: 'value',
    codes: ['usage'],
    inputs: INPUTS,
    samples: valueSamples,
    mutate: mutateText,
    run: tryValue,
  },
  {
    name: 'retention',
    codes: ['corrupt'],
    inputs: INPUTS,
    samples: retentionSamples,
    mutate: mutateText,
    run: tryRetention,
  },
  {
    name: 'extents',
    codes: ['corrupt'],
    inputs: INPUTS,
    samples: extentSamples,
    mutate: mutateText,
    run: tryExtents,
  },
  {
    name: 'link-speed',
    codes: ['corrupt'],
    inputs: INPUTS,
    samples: speedSamples,
    mutate: mutateText,
    run: trySpeed,
  },
  {
    name: 'qcow2-header',
    codes: ['usage'],
    inputs: INPUTS,
    samples: qcow2Samples,
    mutate: mutateBytes,
    run: tryQcow2,
  },
  ...machineTargets,
];
