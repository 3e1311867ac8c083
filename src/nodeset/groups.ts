import { join } from 'node:path';
import { readFlatGroups, readYamlGroups, type Group, type GroupFile } from './group-files.ts';

/** What groups stand for. */
export interface GroupSources {
  /**
   * The group of that name, in the default source if none is named; the name `*` stands for all
   * nodes of the source. Undefined if there is none.
   * @throws KgetError `usage` when a group file cannot be understood
   */
  find(wanted: { name: string; source?: string }): Group | undefined;
  /** Where groups were looked for, for errors. */
  readonly tried: string;
}

export interface ClusterShellGroupsOptions {
  /** ClusterShell's configuration directories, the one that counts most first. */
  readonly directories: readonly string[];
  /** The text of a file, or undefined if there is none. */
  readonly readText: (path: string) => string | undefined;
  /** The names of the files in a directory; none if there is no such directory. */
  readonly list: (directory: string) => readonly string[];
}

/** Where ClusterShell keeps the configuration of a whole host. */
export const CLUSTERSHELL_DIRECTORY = '/etc/clustershell';

/** The source of groups without one, unless `groups.conf` names another. */
const DEFAULT_SOURCE = 'local';

/** The group that holds all nodes of a source, if there is one. */
const ALL = 'all';

/**
 * The groups of ClusterShell's files: in each directory `groups`, or else `groups.d/local.cfg`, as
 * the source `local`; `groups.d/*.yaml`; and the default source from `groups.conf`. Sources that
 * run commands are not asked. Nothing is read before the first group is looked for.
 */
export function clusterShellGroups(options: ClusterShellGroupsOptions): GroupSources {
  let loaded: readonly Group[] | undefined;
  const { directories, readText } = options;

  return {
    tried: directories.map((directory) => `${directory}/groups.d`).join(', ') || 'no directory',
    find({ name, source }) {
      loaded ??= directories.flatMap((directory) => groupsIn(directory, options));
      const wanted = source ?? defaultSource(directories, readText);
      const candidates = loaded.filter((group) => group.source === wanted);
      if (name !== '*') return candidates.find((group) => group.name === name);
      return candidates.find((group) => group.name === ALL) ?? everything(wanted, candidates);
    },
  };
}

function groupsIn(directory: string, options: ClusterShellGroupsOptions): Group[] {
  const { readText, list } = options;
  const read = (path: string): GroupFile[] => {
    const text = readText(path);
    return text === undefined ? [] : [{ path, text }];
  };
  const more = join(directory, 'groups.d');
  const [flat] = [...read(join(directory, 'groups')), ...read(join(more, 'local.cfg'))];
  const yaml = list(more)
    .filter((name) => name.endsWith('.yaml'))
    .sort()
    .flatMap((name) => read(join(more, name)));
  return [
    ...(flat === undefined ? [] : readFlatGroups(flat, DEFAULT_SOURCE)),
    ...yaml.flatMap((file) => readYamlGroups(file)),
  ];
}

/** The line `default: NAME` of the first `groups.conf` that has one. */
function defaultSource(
  directories: readonly string[],
  readText: (path: string) => string | undefined,
): string {
  for (const directory of directories) {
    const text = readText(join(directory, 'groups.conf')) ?? '';
    const name = /^default\s*[:=]\s*(\S+)\s*$/m.exec(text)?.[1];
    if (name !== undefined) return name;
  }
  return DEFAULT_SOURCE;
}

function everything(source: string, groups: readonly Group[]): Group | undefined {
  if (groups.length === 0) return undefined;
  const names = [...new Set(groups.map(({ name }) => `@${name}`))];
  return { source, name: '*', nodes: names.join(','), origin: `all groups of "${source}"` };
}
