import { readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { KgetError, systemCode } from '../base/error.ts';
import { foldNodeSet } from '../nodeset/fold.ts';
import { CLUSTERSHELL_DIRECTORY, clusterShellGroups } from '../nodeset/groups.ts';
import { excludeNodes, parseNodeSet, type NodeSetOptions } from '../nodeset/node-set.ts';
import { operandsOf } from '../nodeset/operands.ts';
import { FRONTEND_NAME } from '../report/names.ts';
import type { System } from './system.ts';

/** The nodes that `-w` and `-x` choose, and those that were named more than once. */
export interface ChosenNodes {
  readonly nodes: readonly string[];
  readonly repeated: readonly string[];
}

/**
 * The nodes of all `sets`, in order and each once, without those of `exclusions`.
 * @throws KgetError `usage` for malformed sets, a node called like the frontend, or if none is left
 */
export function chooseNodes(
  sets: readonly string[],
  exclusions: readonly string[],
  options: NodeSetOptions,
): ChosenNodes {
  const chosen = new Set(sets.flatMap((text) => parseNodeSet(text, options)));
  let nodes = [...chosen];
  for (const exclusion of exclusions) nodes = excludeNodes(nodes, exclusion, options);
  if (nodes.length === 0) {
    throw new KgetError('usage', `No node is left of -w ${sets.join(' -w ')}; name at least one`);
  }
  if (nodes.includes(FRONTEND_NAME)) {
    const advice = 'name the host in another way, by its address say';
    throw new KgetError(
      'usage',
      `A node cannot be called "${FRONTEND_NAME}": reports need it; ${advice}`,
    );
  }
  return { nodes, repeated: repeatedNodes(sets, options) };
}

/** Where ClusterShell's groups and `-w @FILE` are read on this host. */
export function nodeSetFiles({ environment }: Pick<System, 'environment'>): NodeSetOptions {
  const configuration = environment['XDG_CONFIG_HOME'] ?? join(homedir(), '.config');
  const directories = [join(configuration, 'clustershell'), CLUSTERSHELL_DIRECTORY];
  return { groups: clusterShellGroups({ directories, readText, list }), readText };
}

/** For the message about `repeated`. */
export function repeatedText(repeated: readonly string[]): string {
  return `${foldNodeSet(repeated)} named more than once; gathered once`;
}

function list(directory: string): string[] {
  return orNothing(() => readdirSync(directory)) ?? [];
}

function readText(path: string): string | undefined {
  return orNothing(() => readFileSync(path, 'utf8'));
}

function repeatedNodes(sets: readonly string[], options: NodeSetOptions): string[] {
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const text of sets) {
    for (const operand of operandsOf({ text })) {
      if (operand.operator !== ',') continue;
      for (const node of parseNodeSet(operand.text, options)) {
        if (seen.has(node)) repeated.add(node);
        seen.add(node);
      }
    }
  }
  return [...repeated];
}

function orNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return undefined;
    throw error;
  }
}
