import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { until } from './until.ts';

const run = promisify(execFile);

/** For a start on a busy machine: it asks QEMU what it can. */
const START_LIMIT_MS = 60_000;

/** A libvirtd of our own: it sees nothing of the machine's, and leaves nothing. */
export interface TestLibvirtd {
  readonly connection: string;
  /** For other daemons on this machine. */
  readonly peerConnection: string;
  /** Ends the daemon and all its guests. */
  close(): Promise<void>;
}

/** Two hosts that machines move between. */
export type LibvirtdPair = readonly [TestLibvirtd, TestLibvirtd];

/** Why no libvirtd can be started here; false if one can. */
export async function whyNoLibvirtd(): Promise<string | false> {
  if (process.getuid?.() !== 0) return 'libvirtd is started by root alone';
  for (const program of ['libvirtd', 'virsh', 'unshare', 'qemu-img', 'qemu-system-x86_64']) {
    const found = await run('sh', ['-c', `command -v ${program}`]).catch(() => undefined);
    if (found === undefined) return `${program} is not installed`;
  }
  const parts = ['--mount', '--uts', '--pid', '--fork'];
  const may = await run('unshare', [...parts, 'mount', '-t', 'tmpfs', 'none', '/run']).catch(
    () => undefined,
  );
  return may === undefined ? 'no namespaces can be made' : false;
}

/**
 * Starts a daemon in namespaces of its own: /run, /etc/libvirt, /var/lib/libvirt and the like are
 * below `directory`, and there is no /dev/kvm, which may be there and hang. When this process ends,
 * whatever way, so do the daemon and its guests.
 */
export async function startLibvirtd(directory: string, name: string): Promise<TestLibvirtd> {
  const port = await freePort();
  for (const part of ['etc/qemu', 'sock', 'lib', 'cache', 'log', 'dev']) {
    mkdirSync(join(directory, part), { recursive: true });
  }
  writeFileSync(join(directory, 'etc/qemu.conf'), QEMU_CONF);
  writeFileSync(join(directory, 'etc/libvirtd.conf'), libvirtdConf(directory, port));
  const parts = ['--mount', '--uts', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const daemon = spawn('unshare', [...parts, 'sh', '-c', START, 'sh', directory, name], {
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let complaint = '';
  daemon.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
  const connection = `qemu+unix:///system?socket=${directory}/sock/libvirt-sock`;
  try {
    await until(() => {
      if (daemon.exitCode !== null) throw new Error('libvirtd ended');
      return existsSync(`${directory}/sock/libvirt-sock`) || undefined;
    }, START_LIMIT_MS);
    await run('virsh', ['-c', connection, 'version'], { timeout: START_LIMIT_MS });
  } catch (error) {
    await end(daemon);
    throw new Error(`No libvirtd: ${complaint}${lastLog(directory)}`, { cause: error });
  }
  const peerConnection = `qemu+tcp://127.0.0.1:${port}/system`;
  return { connection, peerConnection, close: async () => end(daemon) };
}

/** Starts two daemons, both at once: they take their time. Closing ends both, whatever has started. */
export async function startLibvirtdPair(
  root: string,
): Promise<{ readonly pair: LibvirtdPair; close(): Promise<void> }> {
  const start = async (name: string): Promise<TestLibvirtd> =>
    startLibvirtd(join(root, name), `kgetplus-${name}`);
  const starting = [start('here'), start('there')] as const;
  const close = async (): Promise<void> => {
    for (const it of await Promise.allSettled(starting)) {
      if (it.status === 'fulfilled') await it.value.close();
    }
  };
  try {
    return { pair: await Promise.all(starting), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Guests run as root, and nothing is asked of systemd, AppArmor or control groups. */
const QEMU_CONF = `user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
cgroup_controllers = []
namespaces = []
seccomp_sandbox = 0
stdio_handler = "file"
`;

/** Hosts must have identities of their own, or libvirt does not migrate between them. */
function libvirtdConf(directory: string, port: number): string {
  return `listen_tls = 0
listen_tcp = 1
listen_addr = "127.0.0.1"
tcp_port = "${port}"
auth_tcp = "none"
auth_unix_rw = "none"
auth_unix_ro = "none"
unix_sock_dir = "${directory}/sock"
host_uuid = "${randomUUID()}"
log_outputs = "3:file:${directory}/libvirtd.log"
`;
}

/** The first process of the namespace: when its input ends, it does, and all others with it. */
const START = `set -e
D=$1
hostname "$2"
mount -t tmpfs tmpfs $D/dev
for device in null zero full random urandom tty; do
  touch $D/dev/$device
  mount --bind /dev/$device $D/dev/$device
done
mkdir $D/dev/pts $D/dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts $D/dev/pts
ln -s pts/ptmx $D/dev/ptmx
mount -t tmpfs tmpfs $D/dev/shm
ln -s /proc/self/fd $D/dev/fd
mount --rbind $D/dev /dev
mount -t tmpfs tmpfs /run
for place in lib cache log; do
  mkdir -p /var/$place/libvirt
  mount --bind $D/$place /var/$place/libvirt
done
mount --bind $D/etc /etc/libvirt
libvirtd -f $D/etc/libvirtd.conf -l -p /run/libvirtd.pid </dev/null &
cat >/dev/null
`;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function end(daemon: ChildProcess): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null) return;
  const ended = once(daemon, 'exit');
  daemon.stdin?.end();
  await ended;
}

function lastLog(directory: string): string {
  try {
    return readFileSync(join(directory, 'libvirtd.log'), 'utf8').slice(-2000);
  } catch {
    return '';
  }
}
