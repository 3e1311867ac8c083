import type { Command } from 'commander';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { KgetError, toFailure } from '../base/error.ts';
import { buildImage } from '../machine-image/build/build.ts';
import { parseRecipe, recipeDirectory } from '../machine-image/build/recipe.ts';
import { DEFAULT_TAG, type ImageName } from '../machine-image/image-name.ts';
import { builtSource } from '../machine-image/image-source.ts';
import { collect } from './collect.ts';
import { storeAndTell, tagOf } from './image-storing.ts';
import { addStoreOption, storeAt, type StoreOption } from './store-option.ts';
import type { System } from './system.ts';

const ABOUT = `
The recipe says what the image is called and what it is made from; docs/recipes.md has all its
fields. No root privileges are needed. The image is called NAME:latest then, and by each --tag. Who
builds the same content again gets the same id, and the store has it once.

Packages are kept in $XDG_CACHE_HOME/kgetplus/packages (~/.cache/kgetplus/packages); the build takes
place below $TMPDIR.

Examples:
  kgetplus image build recipes/tiny/recipe.yaml --store /srv/snapshots
  kgetplus image build worker.yaml --tag v2 --tag stable`;

interface BuildCommandOptions extends StoreOption {
  readonly tag: readonly string[];
  readonly json: boolean;
}

/** Declares `image build`. */
export function addImageBuild(images: Command, system: System): void {
  const command = images
    .command('build')
    .summary('make an image from a recipe')
    .description('Makes a bootable image with the job runner, and puts it into a store.')
    .argument('<recipe>', 'a recipe (YAML)');
  addStoreOption(command)
    .option('--tag <tag>', 'another tag, TAG or NAME:TAG (several)', collect, [])
    .option('--json', 'print the image as JSON', false)
    .addHelpText('after', ABOUT)
    .action(async (file: string, options: BuildCommandOptions) => {
      await build(file, options, system);
    });
}

async function build(file: string, options: BuildCommandOptions, system: System): Promise<void> {
  const { environment, stderr, interrupt: signal, clock } = system;
  const text = readRecipe(file);
  const recipe = parseRecipe({ text, file });
  const tags: ImageName[] = [
    { name: recipe.name, tag: DEFAULT_TAG },
    ...options.tag.map((tag) => tagOf(tag, recipe.name)),
  ];
  const workDirectory = mkdtempSync(join(environment['TMPDIR'] ?? tmpdir(), 'kgetplus-image-'));
  try {
    const built = await buildImage({
      recipe,
      recipeText: text,
      baseDirectory: recipeDirectory(file),
      workDirectory,
      packageDirectory: join(cacheDirectory(system), 'kgetplus', 'packages'),
      environment,
      signal,
      clock,
      onStep: (step) => stderr.write(`${step}\n`),
    });
    const place = storeAt(options, system);
    const source = builtSource(built, text);
    await storeAndTell({ place, source, tags, json: options.json }, system);
  } finally {
    rmSync(workDirectory, { recursive: true, force: true });
  }
}

function readRecipe(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const found = toFailure(cause).message;
    throw new KgetError('usage', `Cannot read recipe ${file}: ${found}`, { cause });
  }
}

function cacheDirectory({ environment }: System): string {
  return environment['XDG_CACHE_HOME'] ?? join(environment['HOME'] ?? homedir(), '.cache');
}
