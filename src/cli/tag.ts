import type { Command } from 'commander';
import { KgetError } from '../base/error.ts';
import { readCatalogue } from '../catalogue/catalogue.ts';
import { selectSnapshots } from '../catalogue/select.ts';
import { visible } from '../report/names.ts';
import { changeTags, runsOf, type TaggedRun } from '../upkeep/tag.ts';
import { collect } from './collect.ts';
import { addStoreOption, storeAt, type StoreOption } from './store-option.ts';
import type { System } from './system.ts';

const ABOUT = `
Tags belong to runs: all snapshots of a run have them, and prune keeps those. Without --add and
--remove the tags are shown. RUN may be the beginning of a run's name, a glob, or "latest".

Examples:
  kgetplus tag latest --add before-upgrade
  kgetplus tag 20260301 --remove before-upgrade
  kgetplus tag '*'`;

interface TagOptions extends StoreOption {
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

/** Declares `tag`. */
export function addTag(program: Command, system: System): void {
  const command = program
    .command('tag')
    .summary('mark runs that prune shall keep')
    .description('Adds tags to runs of a store, or removes them.')
    .argument('<runs...>', 'runs, or snapshots of theirs');
  addStoreOption(command)
    .option('--add <tag>', 'a tag for each of the runs', collect, [])
    .option('--remove <tag>', 'a tag that none of them shall have', collect, [])
    .addHelpText('after', ABOUT)
    .action(async (selectors: readonly string[], options: TagOptions) => {
      for (const { run, tags } of await tag(selectors, options, system)) {
        system.stdout.write(`${visible(`${run}  ${tags.join(', ') || '-'}`)}\n`);
      }
    });
}

async function tag(
  selectors: readonly string[],
  { add, remove, ...options }: TagOptions,
  system: System,
): Promise<readonly TaggedRun[]> {
  const both = add.find((one) => remove.includes(one));
  if (both !== undefined) {
    throw new KgetError('usage', `Cannot both add and remove the tag "${both}"`);
  }
  const place = storeAt(options, system);
  const catalogue = readCatalogue(place);
  const runs = runsOf(catalogue, selectSnapshots(catalogue, { selectors }));
  if (add.length > 0 || remove.length > 0) return changeTags(place, runs, { add, remove });
  return runs.map(({ id, manifest }) => ({ run: id, tags: manifest?.tags ?? [] }));
}
