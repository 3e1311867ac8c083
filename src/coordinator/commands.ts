import type { PlannerCommand } from '../planner/types.ts';
import { imageOf, nodeOf, type TransferFacts } from './facts.ts';
import { giveBack } from './give-back.ts';
import { recallOrphans } from './resume.ts';
import type { Run } from './run.ts';

type Command<Type extends PlannerCommand['type']> = Extract<PlannerCommand, { type: Type }>;

/** Carries out one command of the planner. */
export function execute(run: Run, command: PlannerCommand): void {
  switch (command.type) {
    case 'pull':
      startTransfer(run, command);
      break;
    case 'release':
      run.inBackground(releaseNode(run, command.node));
      break;
    case 'give-up':
      giveUp(run, command);
      break;
  }
}

function startTransfer(run: Run, pull: Command<'pull'>): void {
  const { id, node, path, sizeBytes, neededBytes, sketch } = imageOf(run.facts, pull.image);
  const transfer: TransferFacts = {
    id: pull.transfer,
    image: pull.image,
    from: pull.from,
    to: pull.to,
    startSeconds: run.seconds(),
    afterScan: pull.from !== node || sketch !== null,
    heardSeconds: run.seconds(),
    endSeconds: null,
    state: 'moving',
    wireBytes: 0,
    doneBytes: 0,
    chunks: 0,
  };
  run.facts.transfers.set(transfer.id, transfer);
  const host = run.crew.addressOf(pull.from);
  const port = run.servingPorts.get(pull.from) ?? 0;
  run.crew.send(pull.to, {
    type: 'receive',
    transfer: transfer.id,
    image: { id, node, path, sizeBytes },
    neededBytes,
    from: { node: pull.from, host, port },
  });
}

async function releaseNode(run: Run, name: string): Promise<void> {
  const node = nodeOf(run.facts, name);
  node.state = 'leaving';
  await run.crew.leave(name, { emptySpool: true });
  const { readySeconds } = node;
  const seconds = run.seconds();
  run.ports.journal.append({ type: 'released', node: name, seconds, readySeconds });
  node.state = 'released';
  node.releasedSeconds = seconds;
  run.ports.observer.nodeChanged(node);
  await giveBack(run, name);
  recallOrphans(run);
}

function giveUp(run: Run, { image, reason }: Command<'give-up'>): void {
  const facts = imageOf(run.facts, image);
  if (reason === 'attempts') {
    facts.state = 'missing';
    return;
  }
  facts.route.length = 0;
  recallOrphans(run);
}
