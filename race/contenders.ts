import { join } from 'node:path';

import { foldNodeSet } from '../src/nodeset/fold.ts';

/** The image that every node has. */
const IMAGE = '/labnode/disk.img';

/** What a contender's command needs to know of the lab; paths as the frontend sees them. */
export interface Place {
  readonly nodes: readonly string[];
  readonly sshConfig: string;
}

/**
 * A program in the race. Its commands are for a POSIX shell on the frontend, in `/labnode`, with an
 * empty directory `out` for what arrives; it runs as its manual says for this task.
 */
export interface Contender {
  readonly name: string;
  /** The tools that it runs, with the Debian packages that bring them. */
  readonly tools: Readonly<Record<string, string>>;
  /** Prints the program's version, in its first line. */
  readonly version: string;
  /** Runs before the clock does. */
  readonly preparation?: (place: Place) => string;
  readonly command: (place: Place) => string;
  /** Where each node's image arrives. */
  readonly arrival:
    | { readonly kind: 'file'; readonly path: (node: string) => string }
    /** A file of restic's own for each node; `restore` makes `out/NODE.img` after the clock. */
    | { readonly kind: 'snapshot'; readonly list: string; readonly restore: string };
  /** Whether it says itself, by a file `released/NODE`, when a node can be given back. */
  readonly releases: boolean;
}

/** The launcher of this checkout. */
const KGETPLUS = join(import.meta.dirname, '../bin/kgetplus.cjs');

const RESTIC = 'RESTIC_PASSWORD=race restic -q -r /labnode/out --no-cache';

/** All contenders, in the order in which they run. */
export const CONTENDERS: readonly Contender[] = [
  kgetplus('kgetplus', ''),
  kgetplus('kgetplus target:80%', ' --objective target:80%'),
  {
    name: 'scp at once',
    tools: { scp: 'openssh-client' },
    version: 'ssh -V 2>&1',
    command: (place) =>
      atOnce(place, (node) => `scp -q -F ${place.sshConfig} ${node}:${IMAGE} out/${node}.img`),
    arrival: { kind: 'file', path: (node) => `out/${node}.img` },
    releases: false,
  },
  {
    name: 'scp one by one',
    tools: { scp: 'openssh-client' },
    version: 'ssh -V 2>&1',
    command: ({ nodes, sshConfig }) =>
      `for node in ${nodes.join(' ')}; do scp -q -F ${sshConfig} $node:${IMAGE} out/$node.img; done`,
    arrival: { kind: 'file', path: (node) => `out/${node}.img` },
    releases: false,
  },
  kaget('kaget', ''),
  kaget('kaget -F', ' -F'),
  {
    name: 'clush --rcopy',
    tools: { clush: 'clustershell' },
    version: 'clush --version',
    command: (place) => `${clush(place)} --rcopy ${IMAGE} --dest out/`,
    arrival: { kind: 'file', path: (node) => `out/disk.img.${node}` },
    releases: false,
  },
  {
    name: 'rsync -S',
    tools: { rsync: 'rsync' },
    version: 'rsync --version',
    command: (place) =>
      atOnce(
        place,
        (node) => `rsync -S -e 'ssh -F ${place.sshConfig}' ${node}:${IMAGE} out/${node}.img`,
      ),
    arrival: { kind: 'file', path: (node) => `out/${node}.img` },
    releases: false,
  },
  {
    name: 'restic',
    tools: { restic: 'restic' },
    version: 'restic version',
    preparation: () => `${RESTIC} init`,
    command: (place) =>
      atOnce(place, (node) => `ssh -F ${place.sshConfig} ${node} '${backup(place)}'`),
    arrival: {
      kind: 'snapshot',
      list: `${RESTIC} --no-lock snapshots --json`,
      restore: `${RESTIC} dump --host {node} latest ${IMAGE} >out/{node}.img`,
    },
    releases: false,
  },
];

/** `clush` on all nodes at once, which is also what starting something everywhere costs. */
export function clush({ nodes, sshConfig }: Place): string {
  return `clush -S -q -f ${nodes.length} -w '${foldNodeSet(nodes)}' -o '-F ${sshConfig}'`;
}

/** `kgetplus gather` of this checkout. */
export function gather({ nodes, sshConfig }: Place): string {
  const set = foldNodeSet(nodes);
  return `node ${KGETPLUS} gather -w '${set}' ${IMAGE} --to out --ssh 'ssh -F ${sshConfig}'`;
}

function kgetplus(name: string, options: string): Contender {
  return {
    name,
    tools: {},
    version: `node ${KGETPLUS} --version`,
    command: (place) => `${gather(place)}${options} --on-release 'touch /labnode/released/{node}'`,
    arrival: { kind: 'file', path: (node) => `out/${node}/disk.img` },
    releases: true,
  };
}

function kaget(name: string, option: string): Contender {
  return {
    name,
    tools: { kaget: 'kanif', taktuk: 'taktuk' },
    version: 'taktuk --version',
    command: ({ nodes, sshConfig }) =>
      `kaget${option} -n '${foldNodeSet(nodes)}' -o '-F ${sshConfig}' ${IMAGE} out/`,
    arrival: { kind: 'file', path: (node) => `out/disk.img-${node}` },
    releases: false,
  };
}

/** All nodes in parallel; fails if one does. */
function atOnce({ nodes }: Place, command: (node: string) => string): string {
  return (
    `pids=; for node in ${nodes.join(' ')}; do ${command('$node')} & pids="$pids $!"; done; ` +
    'failed=0; for pid in $pids; do wait $pid || failed=1; done; exit $failed'
  );
}

function backup({ sshConfig }: Place): string {
  return (
    'RESTIC_PASSWORD=race restic -q --no-cache -r sftp:frontend:/labnode/out ' +
    `-o sftp.command="ssh -F ${sshConfig} frontend -s sftp" backup ${IMAGE}`
  );
}
