import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { script, type Site } from './site.ts';

/**
 * A remote shell that runs the command on this host, in the directory of the node; nodes whose
 * names begin with a word of ill omen fail as ssh does. Its node.js is `./node` there.
 */
export function fakeSsh(site: Site): readonly string[] {
  const hello = { type: 'hello', version: '0.0.1', nodeVersion: 'v22.0.0', address: null };
  const path = script(
    site,
    'fake-ssh',
    `
    name=$1; shift
    fail() { echo "$*" >&2; exit 255; }
    case $name in
    refused*) fail "ssh: connect to host $name port 22: Connection refused" ;;
    unknown*) fail "ssh: Could not resolve hostname $name: Name or service not known" ;;
    stranger*) fail "Host key verification failed." ;;
    changed*) fail "@  WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!  @" ;;
    closed*) fail "$name: Permission denied (publickey,password)." ;;
    silent*) exit 255 ;;
    other*) echo "kgetplus start"; echo '${JSON.stringify(hello)}'; exec cat >/dev/null ;;
    esac
    cd '${site.root}/nodes/'"$name" || exit 1
    export SSH_CONNECTION="127.0.0.1 1 127.0.0.1 22"
    exec sh -c "$*"`,
  );
  return ['--ssh', path, '--launcher', 'ssh', '--remote-node', './node'];
}

/** Puts a Node.js where the remote shell finds it on these nodes. */
export function installNode(site: Site, ...nodes: readonly string[]): void {
  for (const node of nodes) symlinkSync(execPath, join(directoryOf(site, node), 'node'));
}

/** Puts one there that is too old. */
export function installOldNode(site: Site, node: string): void {
  directoryOf(site, node);
  script(site, `nodes/${node}/node`, 'echo v18.20.4');
}

function directoryOf(site: Site, node: string): string {
  const directory = join(site.root, 'nodes', node);
  mkdirSync(directory, { recursive: true });
  return directory;
}
