/**
 * Loaded before anything else (`node --import`): what production code imports of the system is
 * taken from `simulation/machine` instead, and a planted fault is put into its text if the command
 * says so. See docs/decisions/0010-simulated-system.md.
 */
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { substituteGlobals } from './machine/globals.ts';
import { applyMutant, mutantNamed } from './mutants.ts';

const SOURCE = pathToFileURL(join(import.meta.dirname, '../src/')).href;
const MACHINE = pathToFileURL(join(import.meta.dirname, 'machine/')).href;

const STAND_INS: Readonly<Record<string, string>> = {
  'node:fs': 'fs.ts',
  'node:fs/promises': 'fs-promises.ts',
  'node:tls': 'tls.ts',
  'node:os': 'os.ts',
  'node:child_process': 'child-process.ts',
  'node:crypto': 'crypto.ts',
  'node:zlib': 'zlib.ts',
};

const IDENTITY = new URL('transfer/identity.ts', SOURCE).href;

const mutantName = process.env['KGETPLUS_MUTANT'] ?? '';
const mutant = mutantName === '' ? undefined : mutantNamed(mutantName);

registerHooks({
  resolve(specifier, context, next) {
    const importer = context.parentURL ?? '';
    if (importer.startsWith(SOURCE)) {
      const standIn = STAND_INS[specifier];
      if (standIn !== undefined) return { url: MACHINE + standIn, shortCircuit: true };
    }
    const resolved = next(specifier, context);
    // Its stand-in takes the type from the real one.
    if (resolved.url === IDENTITY) return { url: `${MACHINE}identity.ts`, shortCircuit: true };
    return resolved;
  },
  load(url, context, next) {
    const loaded = next(url, context);
    if (mutant === undefined || url !== new URL(mutant.file, SOURCE).href) return loaded;
    const { source } = loaded;
    return { ...loaded, source: applyMutant(mutant, textOf(source)) };
  },
});

function textOf(source: string | ArrayBuffer | NodeJS.TypedArray | null | undefined): string {
  if (typeof source === 'string') return source;
  if (source instanceof Uint8Array) return Buffer.from(source).toString();
  throw new Error('the source of a module is no text');
}

substituteGlobals();
