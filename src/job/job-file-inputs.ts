import { accessSync, constants, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import * as z from 'zod/mini';
import { systemCode } from '../base/error.ts';
import { textField, type Refusal } from './job-file-values.ts';
import type { JobSpec } from './job-spec.ts';

type Input = JobSpec['inputs'][number];

const MAX_INPUTS = 1000;

/** NAME_MAX of Linux. */
const MAX_NAME_BYTES = 255;

const NAME_AFTER_PATH = 'a path that ends in the name of a file; or {path: …, as: NAME}';

const nameField = textField('the name of a file, without /', isName);

/**
 * The input files: each a path, relative to the job file's directory, or `{path, as}`. They must be
 * there, and have names that differ.
 */
export function inputsField(directory: string): z.ZodMiniType<readonly Input[]> {
  const input = z.pipe(
    z.union([z.string(), z.strictObject({ path: z.string(), as: nameField })]),
    z.transform((value, context): Input => {
      const isShort = typeof value === 'string';
      const found = existing(isShort ? value : value.path, directory);
      const wanted = typeof found === 'string' ? NAME_AFTER_PATH : found.wanted;
      const name = isShort ? basename(value) : value.as;
      if (typeof found === 'string' && isName(name)) return { path: found, name };
      const path = isShort ? [] : ['path'];
      context.issues.push({ code: 'custom', message: wanted, path, input: value });
      return z.NEVER;
    }),
  );
  return z.array(input).check(z.maxLength(MAX_INPUTS), ({ value, issues }) => {
    const taken = new Map<string, string>();
    for (const [place, { name, path: own }] of value.entries()) {
      const other = taken.get(name);
      taken.set(name, own);
      if (other === undefined) continue;
      const message = `another name than "${name}", which ${other} has: {path: …, as: NAME}`;
      issues.push({ code: 'custom', path: [place], input: value, message });
    }
  });
}

/** The absolute path of what can be read there. */
function existing(value: string, directory: string): string | Refusal {
  if (value === '' || value.includes('\0')) return { wanted: 'the path of a file or directory' };
  const path = resolve(directory, value);
  try {
    const found = statSync(path);
    if (!found.isFile() && !found.isDirectory()) {
      return { wanted: `a file or directory: ${path} is something else` };
    }
    accessSync(path, constants.R_OK);
    return path;
  } catch (error) {
    const code = systemCode(error) ?? '';
    const isAbsent = ['ENOENT', 'ENOTDIR'].includes(code);
    return {
      wanted: isAbsent
        ? `a file or directory that is there: there is no ${path}`
        : `a file or directory that can be read: ${path} cannot (${code})`,
    };
  }
}

function isName(name: string): boolean {
  const isPlain = /^[^/\p{Cc}]+$/u.test(name) && name !== '.' && name !== '..';
  return isPlain && Buffer.byteLength(name) <= MAX_NAME_BYTES;
}
