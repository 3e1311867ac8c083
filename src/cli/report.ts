import type { Command } from 'commander';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { KgetError } from '../base/error.ts';
import { renderHtml } from '../report/html.ts';
import { parseReport, serialiseReport } from '../report/json.ts';
import type { RunReport } from '../report/record.ts';
import { renderNodesText } from '../report/text-nodes.ts';
import { renderSummaryText } from '../report/text.ts';
import { writeReportFile } from './report-file.ts';
import { rivalCurves } from './rival-curves.ts';
import type { System } from './system.ts';

const EXAMPLES = `
Examples:
  kgetplus report /srv/snapshots
  kgetplus report /srv/snapshots --nodes
  kgetplus report run.json --html run.html`;

/** Declares \`report\`. */
export function addReport(program: Command, system: System): void {
  program
    .command('report')
    .summary('show the report of a run again')
    .description('Shows the report of the last gather into a directory, or of a saved JSON report.')
    .argument('<dir|file>', 'target directory of a gather, or a JSON report')
    .option('--nodes', 'a line for each node as well', false)
    .option('--html <file>', 'write the HTML report there')
    .option('--json', 'print the report as JSON', false)
    .addHelpText('after', EXAMPLES)
    .action((path: string, options: { nodes: boolean; html?: string; json: boolean }) => {
      const report = readReport(path);
      if (options.html !== undefined) {
        writeReportFile(options.html, renderHtml(report, rivalCurves(report)));
      }
      if (options.json) system.stdout.write(serialiseReport(report));
      else system.stdout.write(renderSummaryText(report));
      if (options.nodes) system.stdout.write(`\n${renderNodesText(report, { all: true })}`);
    });
}

function readReport(path: string): RunReport {
  try {
    const isDirectory = statSync(path).isDirectory();
    const file = isDirectory ? join(path, '.kgetplus', 'report.json') : path;
    return parseReport({ text: readFileSync(file, 'utf8'), file });
  } catch (error) {
    if (error instanceof KgetError) throw error;
    const found = error instanceof Error ? error.message : String(error);
    throw new KgetError(
      'usage',
      `Cannot read a report at ${path}: ${found}; name the directory of a gather or a JSON report`,
      { cause: error },
    );
  }
}
