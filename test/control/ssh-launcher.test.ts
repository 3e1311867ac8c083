import assert from 'node:assert/strict';
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { describe, it } from 'node:test';
import { sshLauncher, type SshLauncherOptions } from '../../src/control/ssh-launcher.ts';
import { AGENT_DIALECT } from '../../src/control/channel.ts';
import type { AgentMessage, CoordinatorMessage } from '../../src/control/messages.ts';
import { hear } from './channel-contract.ts';
import { realClock, steppedClock } from './clocks.ts';
import { describeLauncher } from './launcher-contract.ts';
import { script, temporaryDirectory } from './temporary.ts';

const never = new AbortController().signal;

interface FakeSsh {
  /** What ssh says on standard error, and its exit code; without it the command is run here. */
  readonly fails?: { says: string; code?: number };
  /** Shell text that runs first, as a start-up file of the node would. */
  readonly startUp?: string;
  readonly name?: string;
  readonly env?: Record<string, string>;
}

/** A remote shell that leads to this host, with a home directory of its own. */
function fakeSsh({ fails, startUp = '', name = 'remote-shell', env = {} }: FakeSsh = {}) {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, 'words'), fails?.says ?? '');
  const run = 'while [ $# -gt 1 ]; do shift; done; exec /bin/sh -c "$1"';
  const settings = Object.entries({ HOME: directory, ...env });
  const program = script(directory, {
    name: `${name}.sh`,
    text: [
      `printf '%s\\n' "$@" >'${directory}/arguments'`,
      ...settings.map(([key, value]) => `export ${key}='${value}'; unset XDG_CACHE_HOME`),
      fails && `cat '${directory}/words' >&2; exit ${fails.code ?? 255}`,
      startUp,
      run,
    ].join('\n'),
  });
  symlinkSync(program, join(directory, name));
  return { directory, command: [join(directory, name)] };
}

type Options = Partial<SshLauncherOptions<CoordinatorMessage, AgentMessage>>;

function launcher(command: readonly string[], options: Options = {}) {
  return sshLauncher({
    command,
    agentFile: join(import.meta.dirname, 'fake-agent.cjs'),
    version: '1.2.3',
    dialect: AGENT_DIALECT,
    remoteNode: execPath,
    clock: realClock,
    ...options,
  });
}

describeLauncher('sshLauncher', (mood = '', options = {}) => {
  const { command } = fakeSsh({ env: { FAKE_AGENT: mood } });
  return launcher(command, options);
});

void describe('sshLauncher', () => {
  void it('`launch` ships the agent, speaks to it, and finds it again the next time', async () => {
    const { command, directory } = fakeSsh();
    const start = launcher(command);
    for (const round of [1, 2]) {
      const { channel, address } = await start.launch('root@node07', never);
      assert.equal(address, 'node07');
      const { messages, ended } = hear(channel);
      for (let count = 0; count < round; count += 1) channel.send({ type: 'ping' });
      channel.send({ type: 'leave', emptySpool: false });
      assert.equal(await ended, undefined);
      assert.equal(messages.length, round + 1);
      assert.equal(readdirSync(join(directory, '.cache', 'kgetplus')).length, 1);
    }
  });

  void it('`launch` takes the address from the agent when it knows it', async () => {
    const { command } = fakeSsh({ env: { FAKE_ADDRESS: '10.1.2.3' } });
    const { channel, address } = await launcher(command).launch('node07', never);
    assert.equal(address, '10.1.2.3');
    const { ended } = hear(channel);
    channel.close();
    await ended;
  });

  void it('`launch` skips what start-up files print when it is not too much', async () => {
    const { command } = fakeSsh({ startUp: 'echo Welcome; echo; printf "quota: 3 "' });
    const { channel } = await launcher(command).launch('node07', never);
    const { ended } = hear(channel);
    channel.close();
    await ended;
    const flood = fakeSsh({ startUp: 'head -c 300000 /dev/zero' });
    await assert.rejects(launcher(flood.command).launch('node07', never), { code: 'protocol' });
  });

  void it('`launch` puts our options behind the words of the user when the program is ssh', async () => {
    const fails = { says: 'x' };
    const { command, directory } = fakeSsh({ fails, name: 'ssh' });
    await assert.rejects(launcher([...command, '-p', '2222']).launch('node07', never));
    const words = readFileSync(join(directory, 'arguments'), 'utf8').split('\n');
    assert.deepEqual(words.slice(0, 4), ['-p', '2222', '-T', '-oBatchMode=yes']);
    assert.equal(words.at(-3), 'node07');
    const other = fakeSsh({ fails });
    await assert.rejects(launcher(other.command).launch('node07', never));
    assert.match(readFileSync(join(other.directory, 'arguments'), 'utf8'), /^node07\nexec sh -c/);
  });

  void it('`launch` refuses a node when its name looks like an option', async () => {
    for (const node of ['-oProxyCommand=id', '']) {
      await assert.rejects(launcher(['false']).launch(node, never), { code: 'usage' });
    }
  });

  const failures: [says: string, message: RegExp][] = [
    ['@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @', /ssh-keygen -R node07/],
    ['No ED25519 host key is known for node07.\r\nHost key verification failed.', /not known here/],
    ['root@node07: Permission denied (publickey,password).', /does not let us in/],
    ['ssh: Could not resolve hostname node07: Name or service not known', /cannot be resolved/],
    ['ssh: connect to host node07 port 22: Connection refused', /refused.*sshd runs/],
    ['ssh: connect to host node07 port 22: Connection timed out', /no way to it/],
    ['ssh: connect to host node07 port 22: No route to host', /no way to it/],
    ['kex_exchange_identification: Connection closed by remote host', /smaller --window/],
    [
      'Bad configuration option: foo',
      /exit code 255 .*last words: "Bad configuration option: foo"/,
    ],
  ];
  for (const [says, message] of failures) {
    void it(`\`launch\` rejects with advice when ssh says "${says.slice(0, 50).trim()}"`, async () => {
      const { command } = fakeSsh({ fails: { says } });
      await assert.rejects(launcher(command).launch('node07', never), (error: Error) => {
        assert.match(error.message, message);
        assert.match(error.message, /^Cannot reach node07: /);
        assert.equal('code' in error && error.code, 'unreachable');
        return true;
      });
    });
  }

  void it('`launch` rejects with `unreachable` when there is no such program', async () => {
    await assert.rejects(launcher(['/nowhere/ssh']).launch('node07', never), {
      code: 'unreachable',
      message: /program "\/nowhere\/ssh" cannot be started.*ENOENT.*OpenSSH client/,
    });
  });

  void it('`launch` quotes the node when its account runs no commands', async () => {
    const { command } = fakeSsh({ startUp: 'echo This account is not available.; exit 1' });
    await assert.rejects(launcher(command).launch('node07', never), {
      code: 'unreachable',
      message: /exit code 1 .*"This account is not available.".*may run commands/,
    });
  });

  const refusals: [word: string, code: string, message: RegExp][] = [
    ['no-node none', 'no-node', /20 or newer is wanted, none was found.*apt install nodejs/],
    ['no-node v18.1.0 /usr/bin/node', 'no-node', /\/usr\/bin\/node is v18.1.0.*--remote-node PATH/],
    ['cache /home/u/.cache/kgetplus', 'target-unwritable', /u\/.cache\/kgetplus.*No such thing/],
    ['room /home/u/.cache/kgetplus', 'no-room', /writing it failed.*No such thing/],
    ['damaged /home/u/.cache/kgetplus', 'corrupt', /another digest/],
    ['dance', 'protocol', /said "dance"/],
  ];
  for (const [word, code, message] of refusals) {
    void it(`\`launch\` rejects with \`${code}\` when the bootstrap says "${word}"`, async () => {
      const startUp = `echo "kgetplus ${word}"; echo "No such thing" >&2; exit 9`;
      const { command } = fakeSsh({ startUp });
      await assert.rejects(launcher(command).launch('node07', never), { code, message });
    });
  }

  void it('`launch` rejects with `no-node` when the node has none, asked in earnest', async () => {
    const { command } = fakeSsh();
    const start = launcher(command, { remoteNode: '/nowhere/node' });
    await assert.rejects(start.launch('node07', never), { code: 'no-node' });
  });

  void it('`launch` rejects with `internal` when the agent was never built', async () => {
    const start = launcher(['false'], { agentFile: '/nowhere/agent.cjs' });
    await assert.rejects(start.launch('node07', never), { code: 'internal', message: /npm run/ });
  });

  void it('`launch` ends ssh and rejects when it takes too long', async () => {
    const clock = steppedClock();
    const { command } = fakeSsh({ startUp: 'exec cat' });
    const launch = launcher(command, { clock, startTimeoutMs: 5 }).launch('node07', never);
    clock.pass(5);
    await assert.rejects(launch, { code: 'timeout' });
  });
});
