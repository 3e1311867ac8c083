import { foldNodeSet } from '../src/nodeset/fold.ts';

/** What a deployer's command needs to know; paths as the frontend sees them. */
interface DeployPlace {
  readonly nodes: readonly string[];
  readonly sshConfig: string;
  /** The launcher of Kget+. */
  readonly kgetplus: string;
}

/** A program that brings `/labnode/disk.img` of the frontend to all nodes. */
export interface Deployer {
  readonly name: string;
  /** What it needs that may not be there. */
  readonly tool: string | null;
  /** Where files arrive on nodes, below `/labnode`. */
  readonly directory: string;
  /** Runs before the clock does. */
  readonly preparation?: (place: DeployPlace) => string;
  readonly command: (place: DeployPlace) => string;
}

const STORE = '/labnode/store';

export const DEPLOYERS: readonly Deployer[] = [
  {
    name: 'kgetplus',
    tool: null,
    directory: 'vm/images',
    // Agents stay on nodes, as any installed tool: a small image brings them there.
    preparation: (place) =>
      `mkdir -p ${STORE} && head -c 65536 /dev/zero >/labnode/small.img && ` +
      `${imported(place, { name: 'small', file: 'small.img' })} && ` +
      `${imported(place, { name: 'disk', file: 'disk.img' })} && ${pushed(place, 'small')}`,
    command: (place) => `${pushed(place, 'disk')} --json >/labnode/said.json`,
  },
  {
    name: 'scp at once',
    tool: 'scp',
    directory: 'out',
    command: ({ nodes, sshConfig }) =>
      `pids=; for node in ${nodes.join(' ')}; do ` +
      `scp -q -F ${sshConfig} disk.img $node:/labnode/out/ & pids="$pids $!"; done; ` +
      'failed=0; for pid in $pids; do wait $pid || failed=1; done; exit $failed',
  },
  {
    name: 'kaput',
    tool: 'kaput',
    directory: 'out',
    command: ({ nodes, sshConfig }) =>
      `kaput -n '${foldNodeSet(nodes)}' -o '-F ${sshConfig}' /labnode/disk.img /labnode/out/`,
  },
  {
    // Neither encrypted nor verified: what the machine can do at all along a chain.
    name: 'socat chain',
    tool: 'socat',
    directory: 'out',
    command: socatChain,
  },
];

/** Each node writes what comes, and gives it on to the next one; the last one goes first. */
function socatChain({ nodes, sshConfig }: DeployPlace): string {
  const relays = nodes.map((node, place) => {
    const next = nodes[place + 1];
    const onward =
      next === undefined ? '' : ` | socat -u STDIN TCP:${next}:9000,retry=600,interval=0.1`;
    const sink = next === undefined ? '>out/disk.img' : '| tee out/disk.img';
    const relay = `cd /labnode && socat -u TCP-LISTEN:9000,reuseaddr STDOUT ${sink}${onward}`;
    return `ssh -F ${sshConfig} ${node} '${relay}' & pids="$pids $!";`;
  });
  const first = `socat -u OPEN:disk.img TCP:${nodes[0]}:9000,retry=600,interval=0.1`;
  return `pids=; ${relays.toReversed().join(' ')} ${first} && wait $pids`;
}

function imported(
  place: DeployPlace,
  image: { readonly name: string; readonly file: string },
): string {
  const { name, file } = image;
  const options = `--name ${name} --format raw --store ${STORE}`;
  return `node ${place.kgetplus} image import /labnode/${file} ${options}`;
}

function pushed({ kgetplus, nodes, sshConfig }: DeployPlace, image: string): string {
  return (
    `node ${kgetplus} image push ${image} -w '${foldNodeSet(nodes)}' --store ${STORE} ` +
    `--node-dir /labnode/vm --ssh 'ssh -F ${sshConfig}'`
  );
}
