import type { Command } from 'commander';
import { renderPlanPage } from '../report/plan-page.ts';
import { renderPlanText } from '../report/plan-text.ts';
import { EXIT, exitCodeOfDryRun } from './exit-code.ts';
import { checkPatterns } from './gather-options.ts';
import { readNodeTerms } from './node-terms.ts';
import { chooseNodes, nodeSetFiles, repeatedText } from './nodes.ts';
import { askNodes } from './plan-ask.ts';
import { addPlanOptions, type PlanOptions } from './plan-options.ts';
import { planReport } from './plan-report.ts';
import { writeReportFile } from './report-file.ts';
import type { System } from './system.ts';
import { commandLine } from './words.ts';

const ABOUT = `
The nodes read their images and tell sizes, what is in them, their room and their links; then the
planner of real runs works on a model of the cluster. Nothing is moved, kept or released, and DIR
need not be there. Nodes that do not answer are left out.

What the forecast leaves out: compression, which makes runs shorter; headers on the network (about
5 %), hashing, syncing and disks, which make them longer; failures; what an interrupted run into DIR
has done already; and earlier versions of images there, of which only what has changed would move.
--senders auto stays at one. Nodes are taken to be ready as soon as they were now: where the agent
has to be sent first, plan again.

Examples:
  kgetplus plan -w 'node[01-64]' /var/lib/vm/job.qcow2 --to /srv/snapshots
  kgetplus plan -w @ci '/vm/{node}/*.raw' --to /srv/ci --objective target:80% --transfers
  kgetplus plan -w 'n[1-8]' /vm/disk.img --to out --link 10Gbit --report plan.html

Exit status:
  0 every node answered; 2 wrong use; 3 some nodes or images are left out; 4 no image was found;
  130 interrupted; 1 anything else`;

/** Declares `plan`. */
export function addPlan(program: Command, system: System): void {
  const declared = program
    .command('plan')
    .summary('foresee what a gather would do, and when')
    .description(
      'Asks the nodes for their images and computes when each transfer and each release of such a ' +
        'gather would take place. Moves nothing.',
    )
    .argument('<path...>', 'path or glob on each node ({node} is replaced)')
    .addHelpText('after', ABOUT);
  addPlanOptions(declared).action(async (patterns: string[], options: PlanOptions) => {
    const command = commandLine(['kgetplus', ...program.args]);
    system.setExitCode(await planCommand(patterns, options, { command, system }));
  });
}

async function planCommand(
  patterns: readonly string[],
  options: PlanOptions,
  { command, system }: { readonly command: string; readonly system: System },
): Promise<number> {
  checkPatterns(patterns);
  const files = nodeSetFiles(system);
  const { nodes, repeated } = chooseNodes(options.nodes, options.exclude ?? [], files);
  const terms = readNodeTerms(options, { nodes, files });
  if (repeated.length > 0) system.stderr.write(`kgetplus: ${repeatedText(repeated)}\n`);
  const { facts, interrupted } = await askNodes({ nodes, patterns, terms }, options, system);
  if (interrupted) {
    system.stderr.write('Interrupted: there is no forecast.\n');
    return EXIT.interrupted;
  }
  const signal = system.interrupt;
  const report = await planReport(facts, { options, command, terms, signal });
  if (options.report !== undefined) writeReportFile(options.report, renderPlanPage(report));
  if (options.json) system.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  else system.stdout.write(renderPlanText(report, { all: options.transfers }));
  return exitCodeOfDryRun(report, false);
}
