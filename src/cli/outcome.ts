import { assert } from '../base/assert.ts';
import type { ImageFacts, RunFacts, TransferFacts } from '../coordinator/facts.ts';
import type { GatherPlan } from '../coordinator/ports.ts';
import { FRONTEND } from '../planner/types.ts';
import { frontendReport } from '../report/frontend.ts';
import { FRONTEND_NAME } from '../report/names.ts';
import type { ImageReport, NodeReport, RunReport, TransferReport } from '../report/record.ts';
import { summarise } from '../report/summary.ts';
import { rivalTimes } from './rival-curves.ts';

/** Puts the report of a run together. `startedAt`: ISO 8601; `seconds`: length of the command. */
export function reportOf(
  plan: Pick<GatherPlan, 'run'>,
  facts: RunFacts,
  times: { readonly startedAt: string; readonly seconds: number },
): RunReport {
  const nodes = [...facts.nodes.values()].map(
    ({ name, state, readySeconds, releasedSeconds }): NodeReport => {
      assert(state === 'released' || state === 'held' || state === 'failed', 'the run is over');
      return { node: name, state, readySeconds, releasedSeconds };
    },
  );
  const images = [...facts.images.values()].map(imageReport);
  const transfers = [...facts.transfers.values()].map(transferReport);
  return {
    schema: 'kgetplus.report/1',
    run: plan.run,
    ...times,
    frontend: frontendReport(transfers, facts.sendersAllowed),
    nodes,
    images,
    transfers,
    summary: summarise({ nodes, images, transfers, ...rivalTimes({ nodes, images, transfers }) }),
    failures: facts.failures,
  };
}

function imageReport({ node, path, sizeBytes, dataBytes, state, route }: ImageFacts): ImageReport {
  const places = route.map(publicName);
  return {
    node,
    path,
    sizeBytes,
    dataBytes,
    state: state === 'safe' ? 'safe' : 'missing',
    route: places,
  };
}

function transferReport(transfer: TransferFacts): TransferReport {
  const { image, from, startSeconds, endSeconds, wireBytes, chunks } = transfer;
  return {
    image,
    from,
    to: publicName(transfer.to),
    startSeconds,
    endSeconds: endSeconds ?? startSeconds,
    wireBytes,
    chunks,
    state: transfer.state === 'done' ? 'done' : 'failed',
  };
}

function publicName(place: string): string {
  return place === FRONTEND ? FRONTEND_NAME : place;
}
