import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { PassThrough, Writable, type Readable } from 'node:stream';
import { after, it } from 'node:test';
import type { AgentChannel, CoordinatorChannel } from '../../src/control/channel.ts';
import { MAX_LINE_BYTES } from '../../src/control/message-lines.ts';
import { memoryChannelPair } from '../../src/control/memory-channel.ts';
import { agentMessage, coordinatorMessage } from '../../src/control/messages.ts';
import { streamChannel } from '../../src/control/stream-channel.ts';
import { channelContract, hear, type OpenChannel } from './channel-contract.ts';
import { temporaryDirectory } from './temporary.ts';

function coordinatorEnd(readable: Readable, writable: Writable): CoordinatorChannel {
  return streamChannel({ readable, writable, schema: agentMessage, peer: 'the agent on node07' });
}

function agentEnd(readable: Readable, writable: Writable): AgentChannel {
  return streamChannel({ readable, writable, schema: coordinatorMessage, peer: 'the coordinator' });
}

function streamPair(): OpenChannel {
  const [down, up] = [new PassThrough(), new PassThrough()];
  return { coordinator: coordinatorEnd(up, down), agent: agentEnd(down, up) };
}

/** The two ends of connections, as many as the contract has use for. */
async function socketPairs(count: number): Promise<[here: Socket, there: Socket][]> {
  const path = join(temporaryDirectory(), 'socket');
  const arriving: ((socket: Socket) => void)[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => arriving.shift()?.(socket));
  server.listen(path);
  await once(server, 'listening');
  const pairs: [Socket, Socket][] = [];
  for (let made = 0; made < count; made += 1) {
    const arrived = new Promise<Socket>((resolve) => arriving.push(resolve));
    const here = connect({ path, allowHalfOpen: true });
    pairs.push([here, await arrived]);
  }
  after(() => {
    for (const socket of pairs.flat()) socket.destroy();
    server.close();
  });
  return pairs;
}

const sockets = await socketPairs(16);

function socketPair(): OpenChannel {
  const [here, there] = sockets.pop() ?? assert.fail('the contract has use for more pairs');
  return { coordinator: coordinatorEnd(here, here), agent: agentEnd(there, there) };
}

/** A child that passes on everything between its standard streams and two more pipes to us. */
function processPair(): OpenChannel {
  const relay = 'cat <&3 4>&- & exec 3<&-; exec cat >&4 4>&-';
  const child = spawn('sh', ['-c', relay], { stdio: ['pipe', 'pipe', 'ignore', 'pipe', 'pipe'] });
  const [input, output] = [child.stdin as Writable, child.stdout as Readable];
  const [farInput, farOutput] = [child.stdio[3] as Writable, child.stdio[4] as Readable];
  return { coordinator: coordinatorEnd(output, input), agent: agentEnd(farOutput, farInput) };
}

channelContract('memory', memoryChannelPair);
channelContract('pair of streams', streamPair);
channelContract('socket', socketPair);
channelContract('child process', processPair);

/** What the coordinator makes of these bytes from an agent. */
function reads(...pieces: (string | Buffer)[]) {
  const input = new PassThrough();
  const heard = hear(coordinatorEnd(input, new PassThrough()));
  for (const piece of pieces) input.write(piece);
  return { input, ...heard };
}

void it('`streamChannel` joins a message when it arrives in single bytes', async () => {
  const bytes = Buffer.from('{"type":"notice","text":"né"}\n{"type":"pong"}\n');
  const { input, messages, ended } = reads(...Array.from(bytes, (byte) => Buffer.from([byte])));
  input.end();
  assert.equal(await ended, undefined);
  assert.deepEqual(messages, [{ type: 'notice', text: 'né' }, { type: 'pong' }]);
});

void it('`streamChannel` ends with `protocol` when a line is no JSON', async () => {
  const { ended } = reads('{"type":"pong"}\n<html>\u001B[31m\n');
  const failure = await ended;
  assert.equal(failure?.code, 'protocol');
  assert.match(failure.message, /the agent on node07.*no JSON in "<html> \[31m"/);
});

void it('`streamChannel` ends with `protocol` when a line has no end', async () => {
  const { ended } = reads(Buffer.alloc(MAX_LINE_BYTES), 'x');
  assert.equal((await ended)?.code, 'protocol');
});

void it('`streamChannel` ends with `disconnected` when its input ends within a message', async () => {
  const { input, messages, ended } = reads('{"type":"pong"}\n{"type":"po');
  input.end();
  assert.equal((await ended)?.code, 'disconnected');
  assert.deepEqual(messages, [{ type: 'pong' }]);
});

void it('`streamChannel` ends with `disconnected` when its input breaks', async () => {
  const { input, ended } = reads('{"type":"pong"}\n');
  input.destroy(new Error('read ECONNRESET'));
  const failure = await ended;
  assert.equal(failure?.code, 'disconnected');
  assert.match(failure.message, /ECONNRESET/);
});

void it('`streamChannel` delivers what was read before it when the input has ended since', async () => {
  const readable = new PassThrough();
  readable.end();
  readable.resume();
  await new Promise((resolve) => readable.once('end', resolve));
  const channel: CoordinatorChannel = streamChannel({
    readable,
    writable: new PassThrough(),
    schema: agentMessage,
    peer: 'the agent',
    alreadyRead: Buffer.from('{"type":"pong"}\n{"type":"left"}\n'),
  });
  const { messages, ended } = hear(channel);
  assert.equal(await ended, undefined);
  assert.deepEqual(messages, [{ type: 'pong' }, { type: 'left' }]);
});

void it('`streamChannel` ends when its output broke, but stays open as that of a process does', async () => {
  const readable = new PassThrough();
  const broken = new Writable({
    autoDestroy: false,
    write: (_bytes, _encoding, done) => done(new Error('write EPIPE')),
  });
  const channel = agentEnd(readable, broken);
  const { ended } = hear(channel);
  channel.send({ type: 'pong' });
  await new Promise((resolve) => broken.once('error', resolve));
  readable.end();
  assert.equal(await ended, undefined);
});
