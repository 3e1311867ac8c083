import { assert } from '../base/assert.ts';
import { KgetError } from '../base/error.ts';

/** The oldest Node.js on which the agent runs. */
export const MIN_NODE_MAJOR = 20;

/**
 * Agents of other versions that were shipped this long ago are removed when a new one is shipped.
 */
const OLD_AGENT_DAYS = 30;

/**
 * What Node.js runs agents with: a small young generation keeps the memory of an agent the same
 * whatever the size of its images; `npm run bench:agent` measures it.
 */
export const AGENT_NODE_OPTIONS = ['--max-semi-space-size=1'];

export interface BootstrapOptions {
  /** SHA-256 of the agent file, hexadecimal. */
  readonly agentDigest: string;
  readonly agentSizeBytes: number;
  /** The Node.js to use on the node; without it the usual places are searched. */
  readonly remoteNode?: string;
}

/**
 * The command that ssh runs on a node: finds Node.js, fetches the agent over standard input unless
 * a good copy lies in the node's cache, and becomes the agent.
 *
 * It says, a line each, `kgetplus WORD DETAILS`:
 * - `no-node none` or `no-node VERSION PATH`: no usable Node.js, but perhaps an old one; it ends
 * - `need`: it waits for exactly as many bytes as announced, the agent, on standard input
 * - `cache DIRECTORY`: the directory cannot be made or written; it ends
 * - `foreign DIRECTORY`: others can write in it, or it is somebody else's; it ends
 * - `room DIRECTORY`: writing the agent there failed; it ends
 * - `damaged DIRECTORY`: the agent that arrived has another digest; it ends
 * - `start`: the agent runs from here on, its first message follows
 *
 * Whatever the user's login shell is, it must hand the script on unchanged: it is one line in
 * single quotes, without the characters that csh or fish read even there (quote, backslash,
 * exclamation mark).
 * @throws KgetError `usage` when `remoteNode` is not a plain path
 */
export function bootstrapCommand(options: BootstrapOptions): string {
  assert(/^[0-9a-f]{64}$/.test(options.agentDigest), 'the agent digest is hexadecimal SHA-256');
  assert(Number.isSafeInteger(options.agentSizeBytes), 'the agent size is a number of bytes');
  const lines = [
    'umask 077;',
    // Noise that did not end its line must not hide our first word.
    'echo;',
    ...findNode(nodeCandidates(options.remoteNode)),
    ...findCache(options),
    ...shipAgent(options),
    'echo "kgetplus start";',
    `exec "$node" ${AGENT_NODE_OPTIONS.join(' ')} "$file"`,
  ];
  const script = lines.join(' ');
  assert(!/['\\!\n]/.test(script), 'the bootstrap survives every login shell');
  return `exec sh -c '${script}'`;
}

function nodeCandidates(remoteNode: string | undefined): string {
  if (remoteNode === undefined) return 'node nodejs /usr/bin/node /usr/local/bin/node';
  checkRemoteNode(remoteNode);
  return remoteNode;
}

/** @throws KgetError `usage` when `remoteNode` is not a plain path that every shell leaves alone */
export function checkRemoteNode(remoteNode: string): void {
  if (/^[\w./+@=:,][\w./+@=:,-]*$/.test(remoteNode)) return;
  throw new KgetError(
    'usage',
    `Cannot use "${remoteNode}" as the path of Node.js on the nodes: wanted a path of letters, ` +
      'digits and . / _ + @ = : , -, e.g. /opt/node/bin/node',
  );
}

/**
 * Sets `node` to the first candidate that is new enough; the first one found is named otherwise.
 */
function findNode(candidates: string): string[] {
  return [
    'node=; found=none;',
    `for n in ${candidates}; do`,
    'v=$("$n" --version 2>/dev/null </dev/null) || continue;',
    'm=${v#v}; m=${m%%.*};',
    `if [ "$m" -ge ${MIN_NODE_MAJOR} ] 2>/dev/null; then node=$n; break; fi;`,
    'if [ "$found" = none ]; then found="$v $n"; fi;',
    'done;',
    'if [ -z "$node" ]; then echo "kgetplus no-node $found"; exit 3; fi;',
  ];
}

/**
 * Sets `dir` and `file`, and defines what may be believed of them. Nobody but this user and root can
 * change what lies in a directory that is `own`, so what is `good` there is still good when it
 * starts.
 * - `own KIND PATH`: of this user or root, of this kind (`d` or `-`), not writable for others
 * - `digest PATH`: its SHA-256, by Node.js where there is no `sha256sum`
 * - `good PATH`: this file is the agent
 */
function findCache({ agentDigest, agentSizeBytes }: BootstrapOptions): string[] {
  const digestInNode =
    'process.stdout.write(require(process.argv[1]).createHash(process.argv[2])' +
    '.update(require(process.argv[3]).readFileSync(process.argv[4])).digest(process.argv[5]))';
  return [
    'dir="${XDG_CACHE_HOME:-$HOME/.cache}/kgetplus";',
    `file="$dir/agent-${agentDigest}.cjs";`,
    'me=$(id -u);',
    'own() {',
    'kind=$1; set -- $(LC_ALL=C ls -ldn "$2" 2>/dev/null);',
    'case "$3:$1" in "$me:$kind"????-??-*|"0:$kind"????-??-*) return 0;; esac;',
    'return 1;',
    '};',
    'digest() {',
    'if command -v sha256sum >/dev/null 2>&1; then sha256sum <"$1";',
    `else "$node" -e "${digestInNode}" crypto sha256 fs "$1" hex; fi;`,
    '};',
    'good() {',
    `own - "$1" && [ "$(wc -c <"$1")" -eq ${agentSizeBytes} ] || return 1;`,
    `case "$(digest "$1")" in ${agentDigest}*) return 0;; esac;`,
    'return 1;',
    '};',
  ];
}

/**
 * The temporary name holds the host's name, since the home directory may be one for all nodes. What
 * is in the way of the name goes: into a directory of that name `mv` would move the agent.
 */
function shipAgent({ agentSizeBytes }: BootstrapOptions): string[] {
  return [
    'if own d "$dir/." && good "$file"; then :; else',
    'mkdir -p "$dir" && [ -w "$dir" ] || { echo "kgetplus cache $dir"; exit 4; };',
    'own d "$dir/." || { echo "kgetplus foreign $dir"; exit 8; };',
    'new="$file.$(uname -n).$$";',
    'clean() { rm -f "$new"; }; trap clean EXIT; trap "exit 5" HUP INT TERM;',
    'clean; echo "kgetplus need";',
    `head -c ${agentSizeBytes} >"$new" || { echo "kgetplus room $dir"; exit 6; };`,
    'good "$new" || { echo "kgetplus damaged $dir"; exit 7; };',
    'if [ -d "$file" ]; then rm -rf "$file"; fi;',
    'mv -f "$new" "$file" && good "$file" || { echo "kgetplus cache $dir"; exit 4; };',
    `find "$dir" -name "agent-*" -mtime +${OLD_AGENT_DAYS} -exec rm -f {} + 2>/dev/null;`,
    'fi;',
  ];
}
