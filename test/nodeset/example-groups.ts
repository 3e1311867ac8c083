import { clusterShellGroups, type GroupSources } from '../../src/nodeset/groups.ts';

const LOCAL = `
# Groups of a small cluster
adm: example0
oss: example4 example5
mds: example6
io: example[4-6]
compute: example[32-159]
gpu: example[156-159]   # the newest
all: example[4-6,32-159]
`;

const YAML = `
# Sources of groups
roles:
    adm: 'example0'
    io: '@racks:rack2,example2'
    compute: "@racks:rack[3-4]"
    gpu: '@racks:rack4'
    all: '@io,@compute'

racks:
    rack1: example[0,2]
    rack2: 'example[4-5]'
    rack3: 'example[32-159]'
    rack4: 'example[156-159]'
    old: '@rack[1,3]'
    rack5:
        - 'example[200-205]'  # a comment
        - example245
        - 'example300,example[401-406]'

cpu:
    ivy: 'example[32-63]'
    hsw: '@roles:compute!@ivy'
`;

/** Files by their paths. */
export type Files = Readonly<Record<string, string>>;

/** Groups from files that exist only here, in /etc/clustershell and, counting more, in /home/u. */
export function groupsOf(files: Files): GroupSources {
  return clusterShellGroups({
    directories: ['/home/u', '/etc/clustershell'],
    readText: (path) => files[path],
    list: (directory) =>
      Object.keys(files)
        .filter((path) => path.startsWith(`${directory}/`))
        .map((path) => path.slice(directory.length + 1)),
  });
}

/** The groups with which the frozen cases were made. */
export const exampleGroups: GroupSources = groupsOf({
  '/etc/clustershell/groups.d/local.cfg': LOCAL,
  '/etc/clustershell/groups.d/cluster.yaml': YAML,
});
