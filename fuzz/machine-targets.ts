/** All that takes bytes of guests, hypervisors and those who deploy machines: an entry each. */
import { ERROR_CODES } from '../src/base/error.ts';
import { answerSamples, callSamples, tryAnswer, tryCall } from './call-trials.ts';
import {
  diskSamples,
  imageSamples,
  recipeSamples,
  tryDisk,
  tryImage,
  tryRecipe,
} from './image-trials.ts';
import { jobRecordSamples, jobSamples, tryJobFile, tryJobRecords } from './job-trials.ts';
import { mutateRecords } from './journal-trials.ts';
import {
  domainSamples,
  guestSamples,
  qmpSamples,
  recordSamples,
  tryDomain,
  tryGuestLines,
  tryQmpLine,
  tryRecord,
} from './machine-trials.ts';
import { mutateBytes } from './mutate-bytes.ts';
import { mutateJson } from './mutate-json.ts';
import { mutateText } from './mutate-text.ts';
import type { Target } from './target.ts';

/** What each target gets unless the command says otherwise. */
const INPUTS = 1_000_000;

export const machineTargets: readonly Target[] = [
  {
    name: 'guest-lines',
    codes: ['protocol'],
    inputs: INPUTS,
    samples: guestSamples,
    mutate: mutateText,
    run: tryGuestLines,
  },
  {
    name: 'call',
    codes: ['protocol'],
    inputs: INPUTS,
    samples: callSamples,
    mutate: mutateJson,
    run: tryCall,
  },
  {
    name: 'call-answer',
    codes: ERROR_CODES,
    inputs: INPUTS,
    samples: answerSamples,
    mutate: mutateJson,
    run: tryAnswer,
  },
  {
    name: 'qmp-line',
    codes: ['protocol'],
    inputs: INPUTS,
    samples: qmpSamples,
    mutate: mutateJson,
    run: tryQmpLine,
  },
  {
    name: 'libvirt-domain',
    codes: ['protocol'],
    inputs: INPUTS,
    samples: domainSamples,
    mutate: mutateText,
    run: tryDomain,
  },
  {
    name: 'machine-record',
    codes: ['corrupt', 'version'],
    inputs: INPUTS,
    samples: recordSamples,
    mutate: mutateJson,
    run: tryRecord,
  },
  {
    name: 'image-manifest',
    codes: ['corrupt', 'version'],
    inputs: INPUTS,
    samples: imageSamples,
    mutate: mutateJson,
    run: tryImage,
  },
  {
    name: 'imported-disk',
    codes: ['usage', 'corrupt', 'source-unreadable'],
    inputs: INPUTS,
    samples: diskSamples,
    mutate: mutateBytes,
    run: tryDisk,
  },
  {
    name: 'job-file',
    codes: ['usage'],
    inputs: INPUTS,
    samples: jobSamples,
    mutate: mutateText,
    run: tryJobFile,
  },
  {
    name: 'recipe',
    codes: ['usage'],
    inputs: INPUTS,
    samples: recipeSamples,
    mutate: mutateText,
    run: tryRecipe,
  },
  {
    name: 'job-record',
    codes: ['corrupt', 'version'],
    inputs: INPUTS,
    samples: jobRecordSamples,
    mutate: mutateRecords,
    run: tryJobRecords,
  },
];
