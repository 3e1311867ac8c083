import { spawn } from 'node:child_process';
import { basename } from 'node:path';
import { KgetError } from '../base/error.ts';
import { SSH_OPTIONS } from '../base/ssh-options.ts';
import type { HurtChunk } from './hurt-snapshots.ts';
import { eachAtOnce } from './read-chunks.ts';
import type { RepairSource } from './repair.ts';

/** Chunks that are fetched at the same time: sshd lets in ten that have not logged in. */
const FETCHES_AT_ONCE = 4;

/** For one chunk; the connection takes most of it. */
const FETCH_LIMIT_MS = 60_000;

/** A node that could not be reached so often is not asked any more. */
const MAX_FAILURES = 2;

const MAX_WORDS_CHARACTERS = 400;

export interface NodesSourceOptions {
  /** How the user wrote them. */
  readonly title: string;
  readonly nodes: readonly string[];
  /** The remote shell, a word each; node and command are put behind it. */
  readonly command: readonly string[];
}

/** Nodes that may still have their images where they were when they were gathered. */
export function nodesSource({ title, nodes, command }: NodesSourceOptions): RepairSource {
  const chosen = new Set(nodes);
  for (const node of nodes) refuseOption(node);
  return {
    title,
    async offerTo(wanted, offer, signal) {
      const failures = new Map<string, string[]>();
      await eachAtOnce([...wanted.values()], { atOnce: FETCHES_AT_ONCE, signal }, async (chunk) => {
        for (const { node, path, offset } of chunk.places) {
          const failed = failures.get(node) ?? [];
          const isOut = !chosen.has(node) || path === undefined || failed.length >= MAX_FAILURES;
          if (isOut || signal.aborted) continue;
          const fetched = await fetchRange(command, { node, path, offset, chunk, signal });
          if (typeof fetched === 'string') failures.set(node, [...failed, fetched]);
          else if (await offer(fetched, chunk)) return;
        }
      });
      return [...failures.values()].flatMap((all) => all.slice(0, 1));
    },
  };
}

interface Range {
  readonly node: string;
  readonly path: string;
  readonly offset: number;
  readonly chunk: HurtChunk;
  readonly signal: AbortSignal;
}

/** The bytes of a file on a node, as far as it has them; or why they could not be had. */
function fetchRange(command: readonly string[], range: Range): Promise<Buffer | string> {
  const { node, signal } = range;
  const [program = 'ssh', ...before] = command;
  const ours = basename(program) === 'ssh' ? SSH_OPTIONS : [];
  const child = spawn(program, [...before, ...ours, node, remoteCommand(range)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: AbortSignal.any([signal, AbortSignal.timeout(FETCH_LIMIT_MS)]),
    killSignal: 'SIGKILL',
  });
  const pieces: Buffer[] = [];
  let receivedBytes = 0;
  let said = '';
  const { promise, resolve } = Promise.withResolvers<Buffer | string>();
  function fail(found: string): void {
    const words = said.trim() === '' ? '' : `; it said: ${said.trim()}`;
    resolve(`Cannot fetch ${range.path} from ${node}: ${found}${words}`);
    // Others may hold the pipes open: they are not waited for.
    for (const pipe of [child.stdout, child.stderr]) pipe.destroy();
    child.kill('SIGKILL');
  }
  child.stdout.on('data', (piece: Buffer) => {
    receivedBytes += piece.length;
    // Such as the greeting of a login shell.
    if (receivedBytes > range.chunk.lengthBytes) fail('it sent more than was asked for');
    else pieces.push(piece);
  });
  child.stderr.on('data', (text: Buffer) => {
    said = (said + text.toString()).slice(-MAX_WORDS_CHARACTERS);
  });
  child.on('error', ({ message }) => fail(message));
  child.on('close', (status) => {
    if (status === 0) resolve(Buffer.concat(pieces));
    else fail(`${program} ended with ${status ?? 'a signal'}`);
  });
  return promise;
}

/** Whatever the login shell is. `tail` counts from 1. */
function remoteCommand({ path, offset, chunk }: Range): string {
  const script = `tail -c +${offset + 1} -- ${quoted(path)} | head -c ${chunk.lengthBytes}`;
  return `exec sh -c ${quoted(script)}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** A node's name that looks like an option would be one to ssh, and could run any command here. */
function refuseOption(node: string): void {
  if (node !== '' && !node.startsWith('-')) return;
  throw new KgetError('usage', `Cannot use "${node}" as a node: wanted a host name or address`);
}
