import { createHash } from 'node:crypto';
import { createReadStream, existsSync, renameSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { KgetError } from '../../base/error.ts';
import { makeDirectory } from '../../content/durable.ts';
import { runProgram, type ProgramContext } from './run-program.ts';

const LOOK_LIMIT_MS = 60_000;
const DOWNLOAD_LIMIT_MS = 600_000;
const UNPACK_LIMIT_MS = 300_000;
/** A kernel's name is that of a package that depends on the newest kernel; not on another one such. */
const MAX_HOPS = 3;

/** A package's file, as apt would download it. */
interface Offer {
  readonly fileName: string;
  readonly sha256: string;
}

/**
 * The file of a package that apt knows, downloaded if it is not in `directory` yet. Apt verifies what
 * it downloads; what is there already is compared with apt's digest of it.
 * @throws KgetError `usage` if apt knows no such package or cannot get it
 */
export async function fetchPackage(
  context: ProgramContext,
  { name, directory }: { readonly name: string; readonly directory: string },
): Promise<string> {
  await makeDirectory(directory);
  // Apt has nothing to say about a package whose file is where it runs already.
  const fresh = await mkdtemp(join(directory, 'download-'));
  try {
    const offer = await look(context, { name, directory: fresh });
    const kept = join(directory, offer.fileName);
    if (existsSync(kept) && (await digestOf(kept)) === offer.sha256) return kept;
    await runProgram(context, {
      purpose: `download the package ${name}`,
      words: ['apt-get', 'download', name],
      package: 'apt',
      limitMs: DOWNLOAD_LIMIT_MS,
      directory: fresh,
    });
    const [found] = await readdir(fresh);
    if (found === undefined) {
      throw new KgetError('usage', `Cannot download the package ${name}: apt-get wrote no file`);
    }
    renameSync(join(fresh, found), kept);
    return kept;
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

/** Unpacks a package's files into a directory, which is made. */
export async function unpackPackage(
  context: ProgramContext,
  { file, directory }: { readonly file: string; readonly directory: string },
): Promise<void> {
  await runProgram(context, {
    purpose: `unpack ${file}`,
    words: ['dpkg-deb', '--extract', file, directory],
    package: 'dpkg',
    limitMs: UNPACK_LIMIT_MS,
  });
}

/** The package of a kernel itself, for the name of one that depends on the newest (or for its own). */
export async function fetchKernelPackage(
  context: ProgramContext,
  { name, directory }: { readonly name: string; readonly directory: string },
): Promise<string> {
  let wanted = name;
  for (let hop = 0; hop < MAX_HOPS; hop += 1) {
    const file = await fetchPackage(context, { name: wanted, directory });
    const depends = await runProgram(context, {
      purpose: `read what ${wanted} depends on`,
      words: ['dpkg-deb', '--field', file, 'Depends'],
      package: 'dpkg',
      limitMs: LOOK_LIMIT_MS,
    });
    const next = /\blinux-image-[a-z0-9][a-z0-9+.-]*/.exec(depends)?.[0];
    if (next === undefined) return file;
    wanted = next;
  }
  throw new KgetError('usage', `Cannot find a kernel: ${name} depends on others, ${MAX_HOPS} deep`);
}

async function look(
  context: ProgramContext,
  { name, directory }: { readonly name: string; readonly directory: string },
): Promise<Offer> {
  let text: string;
  try {
    text = await runProgram(context, {
      purpose: `find the package ${name}`,
      words: ['apt-get', '--print-uris', 'download', name],
      package: 'apt',
      limitMs: LOOK_LIMIT_MS,
      directory,
    });
  } catch (cause) {
    const found = cause instanceof KgetError ? cause.message : String(cause);
    const code = cause instanceof KgetError ? cause.code : 'internal';
    throw new KgetError(code, `${found}; is its name right, and was "apt-get update" run?`, {
      cause,
    });
  }
  // 'http://deb.debian.org/…' busybox-static_1%3a1.35.0_amd64.deb 928188 SHA256:…
  const match = /^'[^']*' (\S+) \d+ SHA256:([0-9a-f]{64})$/m.exec(text);
  const [, fileName, sha256] = match ?? [];
  if (fileName === undefined || sha256 === undefined || fileName.includes('/')) {
    const found = JSON.stringify(text.trim().slice(0, 200));
    throw new KgetError('usage', `Cannot find the package ${name}: apt-get says ${found}`);
  }
  return { fileName, sha256 };
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
