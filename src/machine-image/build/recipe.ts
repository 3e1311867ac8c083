import { dirname, resolve } from 'node:path';
import * as z from 'zod/mini';
import { KgetError } from '../../base/error.ts';
import { parseYaml, type YamlSource } from '../../base/parse-yaml.ts';
import { parseSize } from '../../base/units.ts';

/** docs/recipes.md is the reference of this format. */

const MAX_LISTED = 1000;
const MIN_DISK_BYTES = 16 * 1024 ** 2;
const MAX_DISK_BYTES = 16 * 1024 ** 4;
const DEFAULT_DISK = '512MiB';

/** Debian's kernels for virtual machines. */
const DEFAULT_KERNEL = {
  x86_64: 'linux-image-cloud-amd64',
  aarch64: 'linux-image-cloud-arm64',
} as const;

const text = z.string().check(z.minLength(1), z.regex(/^[^\0]*$/));

/** Goes into shell scripts and into lists of apt: only what Debian's policy allows in names. */
const packageName = z.string().check(z.regex(/^[a-z0-9][a-z0-9+.-]+$/));
const word = z.string().check(z.regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/));

const debian = z.strictObject({
  suite: word,
  packages: z._default(z.array(packageName).check(z.maxLength(MAX_LISTED)), []),
  mirror: z.optional(z.url()),
  components: z._default(z.array(word).check(z.minLength(1)), ['main']),
});

const source = z.union([
  z.strictObject({ busybox: z.literal(true) }),
  z.strictObject({ directory: text }),
  z.strictObject({ tar: text }),
  z.strictObject({ debian }),
]);

const kernel = z.union([
  z.strictObject({ 'debian-package': packageName }),
  z.strictObject({ files: z.strictObject({ vmlinuz: text, modules: z.optional(text) }) }),
]);

const addedFile = z.strictObject({
  from: text,
  /** In the image, absolute. */
  to: z.string().check(z.regex(/^\/(?!.*(?:^|\/)\.\.(?:\/|$))[^\0\n]+$/)),
  mode: z.optional(z.string().check(z.regex(/^0?[0-7]{3,4}$/))),
});

const fields = z.strictObject({
  name: z.string().check(z.maxLength(64), z.regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/)),
  arch: z._default(z.enum(['x86_64', 'aarch64']), 'x86_64'),
  from: source,
  kernel: z.optional(kernel),
  size: z._default(z.union([z.string(), z.int()]), DEFAULT_DISK),
  files: z._default(z.array(addedFile).check(z.maxLength(MAX_LISTED)), []),
  run: z._default(z.array(text).check(z.maxLength(MAX_LISTED)), []),
  'command-line': z._default(z.string().check(z.regex(/^[\x20-\x7e]*$/)), ''),
});

export type RecipeSource = z.infer<typeof source>;
export type RecipeKernel = z.infer<typeof kernel>;
export type AddedFile = z.infer<typeof addedFile>;

/** What an image is made from; paths are relative to the directory of the recipe's file. */
export interface Recipe {
  readonly name: string;
  readonly arch: 'x86_64' | 'aarch64';
  readonly from: RecipeSource;
  readonly kernel: RecipeKernel;
  /** Of the disk as guests see it; whole MiB. */
  readonly sizeBytes: number;
  readonly files: readonly AddedFile[];
  /** Shell commands, run in the image's tree as root of it. */
  readonly run: readonly string[];
  /** Goes behind the kernel's other parameters. */
  readonly commandLine: string;
}

/**
 * Reads a recipe. @throws KgetError `usage`, whose message begins with FILE:LINE:COLUMN, for one that
 * is none, or asks for what does not go together
 */
export function parseRecipe(yaml: YamlSource): Recipe {
  const { value, positionOf } = parseYaml(yaml, { title: 'recipe', fields });
  const refuse = (path: readonly PropertyKey[], found: string): KgetError =>
    new KgetError('usage', `${positionOf(path)}: ${found}`);
  if (value.run.length > 0 && !('debian' in value.from)) {
    throw refuse(['run'], 'run: commands can be run only in an image made from debian');
  }
  return {
    name: value.name,
    arch: value.arch,
    from: value.from,
    kernel: value.kernel ?? { 'debian-package': DEFAULT_KERNEL[value.arch] },
    sizeBytes: diskSize(String(value.size), (found) => refuse(['size'], found)),
    files: value.files,
    run: value.run,
    commandLine: value['command-line'].trim(),
  };
}

/** The directory that a recipe's paths are relative to. */
export function recipeDirectory(file: string): string {
  return dirname(resolve(file));
}

function diskSize(size: string, refuse: (found: string) => KgetError): number {
  let bytes: number;
  try {
    bytes = parseSize(size);
  } catch (cause) {
    throw refuse(`size: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  if (bytes < MIN_DISK_BYTES || bytes > MAX_DISK_BYTES) {
    throw refuse(`size: ${size} found, wanted from 16MiB to 16TiB`);
  }
  const mebibyte = 1024 ** 2;
  return Math.ceil(bytes / mebibyte) * mebibyte;
}
