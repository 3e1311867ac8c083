/** All that takes bytes from disks or peers: an entry each. */
import { chunkSamples, tryChunk } from './chunk-trials.ts';
import { manifestSamples, reportSamples, tryManifest, tryReport } from './document-trials.ts';
import { indexSamples, mutateIndex, tryBlobIndex, tryFixedIndex } from './index-trials.ts';
import { mutateBytes } from './mutate-bytes.ts';
import { mutateJson } from './mutate-json.ts';
import { optionSamples, requestSamples, tryOption, tryRequest } from './nbd-trials.ts';
import { mutateSegment, segmentSamples, trySegment } from './segment-trials.ts';
import type { Target } from './target.ts';

export const targets: readonly Target[] = [
  {
    name: 'fixed-index',
    codes: ['corrupt'],
    inputs: 400_000,
    samples: indexSamples,
    mutate: mutateIndex,
    run: tryFixedIndex,
  },
  {
    name: 'blob-index',
    codes: ['corrupt'],
    inputs: 400_000,
    samples: indexSamples,
    mutate: mutateIndex,
    run: tryBlobIndex,
  },
  {
    name: 'chunk',
    codes: ['corrupt', 'source-unreadable'],
    inputs: 250_000,
    samples: chunkSamples,
    mutate: mutateBytes,
    run: tryChunk,
  },
  {
    name: 'table-segment',
    codes: ['corrupt'],
    inputs: 200_000,
    samples: segmentSamples,
    mutate: mutateSegment,
    run: trySegment,
  },
  {
    name: 'report',
    codes: ['corrupt', 'version'],
    inputs: 100_000,
    samples: reportSamples,
    mutate: mutateJson,
    run: tryReport,
  },
  {
    name: 'manifest',
    codes: ['corrupt', 'version'],
    inputs: 100_000,
    samples: manifestSamples,
    mutate: mutateJson,
    run: tryManifest,
  },
  {
    name: 'nbd-option',
    codes: ['protocol'],
    inputs: 200_000,
    samples: optionSamples,
    mutate: mutateBytes,
    run: tryOption,
  },
  {
    name: 'nbd-request',
    codes: ['protocol'],
    inputs: 200_000,
    samples: requestSamples,
    mutate: mutateBytes,
    run: tryRequest,
  },
];
