import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/base/system-clock.ts';
import { buildImage, type BuiltImage } from '../../src/machine-image/build/build.ts';
import { parseRecipe } from '../../src/machine-image/build/recipe.ts';

/** Where `image build` keeps packages, so that tests do not load them anew each time. */
const PACKAGES = join(
  process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'),
  'kgetplus/packages',
);

const BUILD_LIMIT_MS = 300_000;

export interface Scratch extends Disposable {
  readonly path: string;
}

/** Short, as sockets of QEMU are below it. */
export function scratchDirectory(): Scratch {
  const path = mkdtempSync(join(tmpdir(), 'kgb-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

export interface RecipeOptions {
  readonly text: string;
  /** Where the image is made. */
  readonly directory: string;
  readonly baseDirectory?: string;
  readonly signal?: AbortSignal;
  readonly environment?: Readonly<Record<string, string>>;
  readonly onStep?: (text: string) => void;
}

export async function buildRecipe(options: RecipeOptions): Promise<BuiltImage> {
  const { text, directory, baseDirectory = directory, signal, environment, onStep } = options;
  mkdirSync(directory, { recursive: true });
  return buildImage({
    recipe: parseRecipe({ text, file: 'recipe.yaml' }),
    recipeText: text,
    baseDirectory,
    workDirectory: directory,
    packageDirectory: PACKAGES,
    environment: { ...process.env, ...environment },
    signal: signal ?? AbortSignal.timeout(BUILD_LIMIT_MS),
    clock: systemClock,
    onStep: onStep ?? (() => undefined),
  });
}

/** Of the files of an image, by name. */
export function imageDigests({ directory }: BuiltImage): Readonly<Record<string, string>> {
  const names = ['disk.qcow2', 'vmlinuz', 'initramfs'];
  return Object.fromEntries(
    names.map((name) => {
      const content = readFileSync(join(directory, name));
      return [name, createHash('sha256').update(content).digest('hex')];
    }),
  );
}
