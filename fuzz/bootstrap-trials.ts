import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import type { AgentProcess, ProcessEnd } from '../src/control/agent-process.ts';
import { followBootstrap } from '../src/control/bootstrap-dialogue.ts';
import { firstLines } from '../src/control/first-lines.ts';
import { sshFailure } from '../src/control/ssh-failure.ts';
import { KgetError } from '../src/base/error.ts';
import { piecesOf } from './pieces.ts';
import type { Trial } from './target.ts';

/** An error is read by people, in a terminal. */
const MAX_MESSAGE_CHARACTERS = 20_000;

const ENDS: readonly ProcessEnd[] = [
  { how: 'exit', code: 0 },
  { how: 'exit', code: 1 },
  { how: 'exit', code: 255 },
  { how: 'signal', signal: 'SIGKILL', ours: false },
  { how: 'not-started', error: new Error('spawn ssh ENOENT') },
];

export function dialogueSamples(): Buffer[] {
  return [
    'kgetplus start\n{"type":"hello"}\n',
    'Welcome to node1\nLast login: today\nkgetplus need\nkgetplus start\n{"type":"hello"}\n',
    'kgetplus need\nkgetplus need\n',
    'kgetplus no-node none\n',
    'kgetplus no-node v18.19.0 /usr/bin/node\n',
    'kgetplus cache /root/.cache/kgetplus\n',
    'kgetplus room /root/.cache/kgetplus\n',
    'kgetplus damaged /root/.cache/kgetplus\n',
    'This account is currently not available.\n',
    `${'noise '.repeat(40)}\nkgetplus start\n`,
  ].map((text) => Buffer.from(text));
}

/** What follows `start` must be given back unread, and everything before is ours. */
export async function tryDialogue(input: Buffer, { dice }: Trial): Promise<void> {
  const lines = firstLines(Readable.from(piecesOf(input, dice), { objectMode: false }));
  const end = dice.pick(ENDS);
  const stdin = new PassThrough();
  const process: AgentProcess = {
    child: { stdin } as unknown as ChildProcessWithoutNullStreams,
    ended: Promise.resolve(end),
    lastWords: () => 'sh: 1: something: not found\n',
    stop: () => Promise.resolve(end),
  };
  const agent = Buffer.from('the agent');
  await followBootstrap({ node: 'node1', program: 'ssh', process, agent, lines });
  const rest = lines.release();
  assert.ok(input.includes(rest));
  assert.ok(stdin.readableLength <= agent.length, 'the agent was sent twice');
}

export function stderrSamples(): Buffer[] {
  return [
    '@@@@@@@@@@@\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\n@@@@@@@@@@@\n',
    'No ED25519 host key is known for node1 and you have requested strict checking.\r\nHost key verification failed.\r\n',
    'root@node1: Permission denied (publickey,password).\r\n',
    'Received disconnect from 10.0.0.1 port 22:2: Too many authentication failures\r\n',
    'ssh: Could not resolve hostname node1: Name or service not known\r\n',
    'ssh: connect to host node1 port 22: Connection refused\r\n',
    'ssh: connect to host node1 port 22: No route to host\r\n',
    'ssh: connect to host node1 port 22: Connection timed out\r\n',
    'kex_exchange_identification: read: Connection reset by peer\r\n',
    '\u001b[31mbash: line 1: kgetplus: command not found\u001b[0m\n',
  ].map((text) => Buffer.from(text));
}

/** Whatever ssh said becomes an error that is short, and safe to print. */
export function tryStderr(input: Buffer, { dice }: Trial): void {
  const words = input.toString('utf8').slice(-8192);
  const noise = dice.oneIn(4) ? words.slice(0, 200) : '';
  const end = dice.pick(ENDS);
  const error = sshFailure({ node: 'node1', program: 'ssh', end, words, noise });
  assert.ok(error.message.length <= MAX_MESSAGE_CHARACTERS);
  assert.ok(!/\p{Cc}/u.test(error.message), 'control characters in an error');
  if (dice.oneIn(2)) throw error;
  assert.ok(error instanceof KgetError);
}
