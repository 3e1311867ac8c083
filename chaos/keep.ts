import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { outputOf } from '../lab/gather.ts';
import type { Lab } from '../lab/lab.ts';
import { runTool } from '../lab/tools.ts';
import { spoolOf } from './field.ts';
import type { Scenario } from './scenario.ts';

/** Copies what a round has left to a new directory: logs, target, spools, images, and the round. */
export async function keepRound(
  round: {
    readonly lab: Lab;
    readonly directory: string;
    readonly scenario: Scenario;
    readonly problems: readonly string[];
  },
  directory: string,
): Promise<void> {
  const { lab, scenario, problems } = round;
  mkdirSync(directory, { recursive: true });
  const images = Object.fromEntries(scenario.images);
  const text = JSON.stringify({ ...scenario, images, problems }, undefined, 2);
  writeFileSync(join(directory, 'round.json'), `${text}\n`);
  const parts = [
    { from: round.directory, to: 'logs' },
    { from: outputOf(lab), to: 'out' },
    { from: join(lab.frontend.labnode, 'hook.log'), to: 'hook.log' },
    ...lab.nodes.map((node) => ({ from: spoolOf(node), to: `spool-${node.name}` })),
    ...lab.nodes.map((node) => ({
      from: join(node.labnode, 'images'),
      to: `images-${node.name}`,
    })),
  ];
  for (const { from, to } of parts) {
    // What is not there, or is being removed, cannot be kept.
    await runTool(['cp', '-a', '--sparse=always', from, join(directory, to)]).catch(() => {});
  }
}
