import { Command, CommanderError } from 'commander';
import { existsSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { KgetError } from '../base/error.ts';
import { foldJournal, type Resumption } from '../coordinator/fold-journal.ts';
import { readJournal } from '../coordinator/journal-file.ts';
import { foldNodeSet } from '../nodeset/fold.ts';
import { parseNodeSet } from '../nodeset/node-set.ts';
import type { GatherOptions } from './gather-options.ts';
import { declareGather, gatherCommand, type AskedGather } from './gather.ts';
import { nodeSetFiles } from './nodes.ts';
import { nothingToResume } from './resumption.ts';
import type { System } from './system.ts';
import { commandLine } from './words.ts';

const EXAMPLES = `
The run goes on with the options of its own command, which its journal holds, in the directory in
which that was given: files that it names (--topology, --report, a script of --on-release) must
still be there. Options that are given here count instead. Nodes that were released are not asked again,
unless nobody else has their image; the command of --on-release runs for those for which it is not
known to have succeeded.

Examples:
  kgetplus resume /srv/snapshots
  kgetplus resume /srv/snapshots --ssh 'ssh -p 2222'

Exit status:
  as of gather; 2 there is nothing to resume; 5 the journal is damaged`;

/** Options of `gather` that may be given anew, as they are declared there. */
const CHANGEABLE = [
  '--ssh <command>',
  '--remote-node <path>',
  '--window <n>',
  '--bwlimit <rate>',
  '--senders <n>',
  '--on-release <cmd>',
  '--topology <file>',
  '--report <file>',
];

/** Declares `resume`. */
export function addResume(program: Command, system: System): void {
  const command = program
    .command('resume')
    .summary('go on with a gather that was interrupted')
    .description(
      'Continues the unfinished gather into DIR with its own options: after Ctrl-C, a crash of this ' +
        'host, or a full disk. The same gather command, given again, does that as well.',
    )
    .argument('<dir>', 'target directory of the gather');
  for (const flags of CHANGEABLE) command.option(flags, 'as of gather');
  command
    .option('--json', 'print the report as JSON on standard output', false)
    .addHelpText('after', EXAMPLES)
    .action(async (directory: string, { json, ...changes }: ResumeOptions) => {
      const asked = askAgain({ directory, json, changes: wordsOf(changes) }, system);
      system.setExitCode(await gatherCommand(asked, system));
    });
}

type ResumeOptions = { readonly json: boolean } & Readonly<Record<string, string | boolean>>;

/** What `resume` was told. */
interface Resume {
  readonly directory: string;
  readonly json: boolean;
  /** Options of `gather`, as words. */
  readonly changes: readonly string[];
}

/**
 * The gather that a journal tells of, asked for once more; this process then is in the directory in
 * which it was asked for first.
 */
function askAgain({ directory, json, changes }: Resume, system: System): AskedGather {
  const target = existsSync(directory) ? realpathSync(directory) : resolve(directory);
  const { records } = readJournal(join(target, '.kgetplus', 'journal.jsonl'));
  const resumption = foldJournal(records, { incomplete: true });
  if (resumption === undefined) throw nothingToResume(target, records);
  const { command, workingDirectory } = invocationOf(resumption, target);
  enter(workingDirectory, target);
  const words = withChanges(command, changes);
  const { patterns, options } = parseGather(words);
  const nodes = resumption.nodeSets.flatMap((set) => parseNodeSet(set, nodeSetFiles(system)));
  const { exclude: _, ...kept } = options;
  const own = { to: target, nodes: [foldNodeSet(nodes)], fresh: false, dryRun: false };
  return {
    patterns,
    options: { ...kept, ...own, json: json || options.json },
    command: words,
    mustContinue: true,
  };
}

function invocationOf({ invocation, run }: Resumption, target: string) {
  if (invocation?.command[0] === 'gather') return invocation;
  const found =
    invocation === undefined
      ? 'its journal is of an older Kget+, which did not note the command'
      : `it was begun by kgetplus ${commandLine(invocation.command)}`;
  throw new KgetError(
    'usage',
    `Cannot resume run ${run} in ${target}: ${found}; give the same gather command again, which ` +
      'continues it',
  );
}

function enter(workingDirectory: string, target: string): void {
  try {
    process.chdir(workingDirectory);
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    throw new KgetError(
      'usage',
      `Cannot resume in ${target}: the directory in which the run was begun cannot be entered: ` +
        `${found}; give the same gather command again from elsewhere, which continues the run`,
      { cause: error },
    );
  }
}

/** The words of a command with options that come last, and so count. */
function withChanges(command: readonly string[], changes: readonly string[]): readonly string[] {
  const end = command.includes('--') ? command.indexOf('--') : command.length;
  return [...command.slice(0, end), ...changes, ...command.slice(end)];
}

function wordsOf(changes: Readonly<Record<string, string | boolean>>): string[] {
  return Object.entries(changes).flatMap(([name, value]) => [
    `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
    String(value),
  ]);
}

/** @throws KgetError `usage` */
function parseGather(words: readonly string[]): Pick<AskedGather, 'patterns' | 'options'> {
  const command = declareGather(new Command('gather'))
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  try {
    command.parse(words.slice(1), { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const found = error.message.replace(/^error: /, '');
    throw new KgetError('usage', `Cannot resume kgetplus ${commandLine(words)}: ${found}`, {
      cause: error,
    });
  }
  return { patterns: command.args, options: command.opts<GatherOptions>() };
}
