import type { Command } from 'commander';
import { readCatalogue } from '../catalogue/catalogue.ts';
import { storeStatistics } from '../catalogue/statistics.ts';
import { visible } from '../report/names.ts';
import type { StoreStatistics } from '../report/store-statistics.ts';
import { renderStatsPage } from '../report/store-stats-page.ts';
import { renderStatsText } from '../report/store-stats-text.ts';
import { writeReportFile } from './report-file.ts';
import { addStoreOption, storeAt, type StoreOption } from './store-option.ts';
import type { System } from './system.ts';

const ABOUT = `
Size: bytes of images. Zero: chunks of nothing but zeros. Duplicate: chunks that the store had
before, of any run, node or image. New: all others, as plain bytes. Stored: bytes of their
compressed files. Unique: bytes of files that only snapshots of one node use.

Examples:
  kgetplus stats --store /srv/snapshots
  kgetplus stats --html store.html
  kgetplus stats --json`;

interface StatsOptions extends StoreOption {
  readonly all: boolean;
  readonly html?: string;
  readonly json: boolean;
}

/** Declares `stats`. */
export function addStats(program: Command, system: System): void {
  const command = program
    .command('stats')
    .summary('show what a store holds and saves')
    .description('Shows what a store holds, and what zeros, duplicates and compression save.');
  addStoreOption(command)
    .option('--all', 'list all runs and nodes, not only the first 20', false)
    .option('--html <file>', 'write the figures as an HTML page there')
    .option('--json', 'print the figures as JSON', false)
    .addHelpText('after', ABOUT)
    .action(async (options: StatsOptions) => {
      const statistics = await gatherStatistics(options, system);
      if (options.html !== undefined) writeReportFile(options.html, renderStatsPage(statistics));
      if (options.json) system.stdout.write(`${JSON.stringify(statistics, undefined, 2)}\n`);
      else system.stdout.write(renderStatsText(statistics, options));
    });
}

async function gatherStatistics(options: StatsOptions, system: System): Promise<StoreStatistics> {
  const place = storeAt(options, system);
  const catalogue = readCatalogue(place);
  const { warnings, ...statistics } = await storeStatistics(place, catalogue, {
    signal: system.interrupt,
  });
  for (const text of [...catalogue.warnings, ...warnings]) {
    system.stderr.write(`kgetplus: ${visible(text)}\n`);
  }
  return { schema: 'kgetplus.stats/1', store: place.directory, ...statistics };
}
