import assert from 'node:assert/strict';
import { existsSync, globSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { CLAIM_LIMIT_MS } from '../../src/agent/claim-directory.ts';
import type { Configuration, ImageName } from '../../src/control/messages.ts';
import { pull } from '../../src/transfer/pull.ts';
import { unlimited } from '../../src/transfer/rate-limit.ts';
import { configuration, LIMITS, makeHost, type Host, type StartedAgent } from './agents.ts';

const OTHER: ImageName = { id: 'node2:/vm/x', node: 'node2', path: '/vm/x', sizeBytes: 40_960 };

void suite('an agent without its coordinator', () => {
  void test('`runAgent` stays for `orphanMs` when its channel ends at work', async (t) => {
    const host = makeHost(t);
    const agent = await atWork(host);
    await loseCoordinator(agent);
    await host.clock.elapse(LIMITS.orphanMs - 1);
    assert.equal(host.attach.holderOf(spoolOf(host)), agent.processId);
    await host.clock.elapse(1);
    await agent.left;
    assert.equal(host.attach.holderOf(spoolOf(host)), undefined);
    assert.deepEqual(remains(host), []);
  });

  void test('`runAgent` stays when the coordinator falls silent', async (t) => {
    const host = makeHost(t);
    const agent = await atWork(host);
    await host.clock.elapse(LIMITS.silenceMs);
    await agent.ended;
    await host.clock.elapse(LIMITS.orphanMs - 1);
    assert.equal(host.attach.holderOf(spoolOf(host)), agent.processId);
    await host.clock.elapse(1);
    await agent.left;
  });

  void test('`runAgent` leaves at once when its channel ends on the frontend', async (t) => {
    const host = makeHost(t);
    mkdirSync(join(host.root, 'out'));
    const target = { layout: 'files', directory: join(host.root, 'out') } as const;
    const agent = await atWork(host, { target });
    await loseCoordinator(agent);
    await agent.left;
  });

  void test('`runAgent` leaves when it is stopped, also without a coordinator', async (t) => {
    const host = makeHost(t);
    const agent = await atWork(host);
    agent.stop();
    await agent.heard('left');
    await agent.left;
    const orphan = await atWork(host);
    await loseCoordinator(orphan);
    orphan.stop();
    await orphan.left;
    assert.deepEqual(remains(host), []);
  });

  void test('`runAgent` goes on with a pull, and keeps what arrives', async (t) => {
    const host = makeHost(t);
    const receiver = await atWork(host);
    const image = await pullOther(host, receiver);
    await loseCoordinator(receiver);
    const next = host.start();
    await settled(() => globSync(join(host.spool, '*/node1/*.json')).length > 0);
    next.coordinator.send(await configuration({}, 'second'));
    const { spooled } = await next.heard('ready');
    assert.deepEqual(spooled, [image]);
    leave(next);
    await Promise.all([next.left, receiver.left]);
  });
});

void suite('an agent that finds another one in its spool', () => {
  void test('`runAgent` passes on what the coordinator and the other agent say', async (t) => {
    const host = makeHost(t);
    const path = join(host.root, 'disk.img');
    writeFileSync(path, Buffer.alloc(10_000, 'x'));
    const agent = await atWork(host);
    agent.coordinator.send({ type: 'find', patterns: [path] });
    const scanned = await agent.heard('scanned');
    await loseCoordinator(agent);

    const next = await atWork(host, {}, 'second');
    const ready = readyOf(next);
    assert.match(JSON.stringify(ready), /goes on as process 1"/);
    next.coordinator.send({ type: 'find', patterns: [path] });
    assert.equal((await next.heard('found')).images[0]?.path, path);
    assert.deepEqual(await next.heard('scanned'), scanned);
    next.coordinator.send({ type: 'ping' });
    await next.heard('pong');
    assert.deepEqual(
      next.said.map(({ type }) => type),
      ['ready', 'found', 'scanned', 'pong'],
    );
    leave(next);
    await next.heard('left');
    await Promise.all([next.left, next.ended, agent.left]);
    assert.deepEqual(remains(host), []);
  });

  void test('`runAgent` does so again and again', async (t) => {
    const host = makeHost(t);
    const agent = await atWork(host);
    await loseCoordinator(agent);
    for (const command of ['second', 'third', 'fourth']) {
      const relay = await atWork(host, {}, command);
      await host.clock.elapse(LIMITS.silenceMs / 2);
      await loseCoordinator(relay);
      await relay.left;
      await host.clock.elapse(LIMITS.orphanMs - 1);
      assert.equal(host.attach.holderOf(spoolOf(host)), agent.processId);
    }
    const last = await atWork(host, {}, 'fifth');
    leave(last);
    await Promise.all([last.left, agent.left]);
  });

  void test('`runAgent` comes in the place of one whose coordinator only seems to be there', async (t) => {
    const host = makeHost(t);
    const agent = await atWork(host);
    const next = await atWork(host, {}, 'second');
    await agent.ended;
    leave(next);
    await Promise.all([next.left, agent.left]);
  });

  void test('the other agent serves the peers of the new coordinator, and no others', async (t) => {
    const host = makeHost(t);
    const agent = await atWork(host);
    const before = readyOf(agent);
    const old = await configuration({ node: 'node2' });
    assert.equal(await blame(old, before?.port), 'source');
    await loseCoordinator(agent);
    assert.equal(await blame(old, before?.port), 'source');

    const next = await atWork(host, {}, 'second');
    const after = readyOf(next);
    for (const port of [before?.port, after?.port]) assert.equal(await blame(old, port), 'link');
    assert.equal(
      await blame(await configuration({ node: 'node2' }, 'second'), after?.port),
      'source',
    );
  });

  void test('the other agent gives up pulls for the coordinator before, and says nothing of them', async (t) => {
    const host = makeHost(t);
    const port = await muteServer(t);
    const agent = await atWork(host);
    const from = { node: 'node2', host: '127.0.0.1', port };
    agent.coordinator.send({ type: 'receive', transfer: '1', image: OTHER, neededBytes: 1, from });
    await setImmediate();
    await loseCoordinator(agent);
    const next = await atWork(host, {}, 'second');
    next.coordinator.send({ type: 'ping' });
    await next.heard('pong');
    assert.deepEqual(
      next.said.map(({ type }) => type),
      ['ready', 'pong'],
    );
    leave(next);
    await Promise.all([next.left, agent.left]);
  });

  const differences: Readonly<Record<string, Partial<Configuration> | { build: string }>> = {
    'of another run': { runId: 'other' },
    'of another chunk size': { chunkSizeBytes: 8192 },
    'of another build': { build: '2' },
  };
  for (const [what, change] of Object.entries(differences)) {
    void test(`\`runAgent\` has an agent ${what} make way, and keeps its spool`, async (t) => {
      const host = makeHost(t);
      const agent = await atWork(host);
      const image = await pullOther(host, agent);
      await agent.heard('received');
      await loseCoordinator(agent);
      const next = host.start('build' in change ? change : {});
      next.coordinator.send(await configuration('build' in change ? {} : change, 'second'));
      await Promise.all([agent.left, advance(host, next.heard('ready'))]);
      assert.equal(host.attach.holderOf(spoolOf(host)), next.processId);
      const ready = readyOf(next);
      assert.deepEqual([ready?.spooled, ready?.warnings], [[image], []]);
    });
  }

  void test('`runAgent` has an agent of a command that is gone make way in the target', async (t) => {
    const host = makeHost(t);
    const directory = join(host.root, 'out');
    mkdirSync(directory);
    const target = { layout: 'files', directory } as const;
    const agent = await atWork(host, { target });
    const next = host.start();
    next.coordinator.send(await configuration({ target }, 'second'));
    await Promise.all([agent.left, advance(host, next.heard('ready'))]);
    assert.equal(host.attach.holderOf(join(directory, '.kgetplus')), next.processId);
    leave(next);
    await next.left;
    assert.equal(host.attach.holderOf(join(directory, '.kgetplus')), undefined);
  });

  void test('`runAgent` is unfit when the other agent hangs, and names its process', async (t) => {
    const host = makeHost(t);
    const agent = await atWork(host);
    host.attach.freeze(agent.processId);
    const next = host.start();
    next.coordinator.send(await configuration({}, 'second'));
    const startMs = host.clock.nowMs();
    const { failure } = await advance(host, next.heard('unfit'));
    assert.ok(host.clock.nowMs() - startMs <= CLAIM_LIMIT_MS + 1000);
    assert.equal(failure.code, 'locked');
    assert.match(failure.message, /process 1, .*kill -9 1"/);
    leave(next);
    await next.left;
    assert.equal(host.attach.holderOf(spoolOf(host)), agent.processId);
  });

  void test('`runAgent` leaves an orphan alone when its own coordinator goes before it knows', async (t) => {
    const host = makeHost(t);
    const agent = await atWork(host);
    await loseCoordinator(agent);
    const next = host.start();
    next.coordinator.send(await configuration({}, 'second'));
    next.coordinator.close();
    await next.left;
    assert.equal(host.attach.holderOf(spoolOf(host)), agent.processId);
    const later = await atWork(host, {}, 'third');
    leave(later);
    await Promise.all([later.left, agent.left]);
  });

  void test('two agents that start at once for one spool do not both work in it', async (t) => {
    const host = makeHost(t);
    const agents = [host.start(), host.start()];
    for (const { coordinator } of agents) coordinator.send(await configuration({}));
    const readies = await Promise.all(agents.map((agent) => advance(host, agent.heard('ready'))));
    assert.match(JSON.stringify(readies), /goes on as process/);
    assert.equal(new Set(readies.map(({ warnings }) => warnings.length)).size, 2);
  });
});

/** An agent that was configured, and has said that it is ready. */
async function atWork(
  host: Host,
  changes: Partial<Configuration> = {},
  command = 'first',
): Promise<StartedAgent> {
  const agent = host.start();
  agent.coordinator.send(await configuration(changes, command));
  const first = await Promise.race([agent.heard('ready'), agent.heard('unfit')]);
  assert.equal(first.type, 'ready', JSON.stringify(first));
  return agent;
}

function readyOf(agent: StartedAgent) {
  return agent.said.find((message) => message.type === 'ready');
}

/** The channel ends as that of a coordinator does which is killed. */
async function loseCoordinator(agent: StartedAgent): Promise<void> {
  agent.coordinator.close();
  await agent.ended;
  await setImmediate();
}

function leave(agent: StartedAgent): void {
  agent.coordinator.send({ type: 'leave', emptySpool: true });
}

/** Has an agent pull an image from an agent of `node2`; its name. */
async function pullOther(host: Host, receiver: StartedAgent): Promise<ImageName> {
  const path = join(host.root, 'other.img');
  const image = { ...OTHER, id: `node2:${path}`, path };
  writeFileSync(path, Buffer.alloc(image.sizeBytes, 'x'));
  const sender = await atWork(host, { node: 'node2' });
  sender.coordinator.send({ type: 'find', patterns: [path] });
  await sender.heard('scanned');
  const ready = readyOf(sender);
  const from = { node: 'node2', host: '127.0.0.1', port: ready?.port ?? 0 };
  receiver.coordinator.send({ type: 'receive', transfer: '1', image, neededBytes: 1, from });
  // By the answer it knows of the transfer, too.
  receiver.coordinator.send({ type: 'ping' });
  await receiver.heard('pong');
  return image;
}

function spoolOf(host: Host): string {
  return join(host.spool, 'key', 'node1');
}

function remains(host: Host): string[] {
  return existsSync(host.spool) ? readdirSync(host.spool) : [];
}

/** Whose fault it is that an image which nobody has cannot be pulled at this port. */
async function blame({ identity }: Configuration, port = 0): Promise<string> {
  const outcome = await pull({
    identity,
    from: { node: 'node1', host: '127.0.0.1', port },
    image: 'node1:/nothing',
    land: () => assert.fail('nothing is there'),
    chunkSizeBytes: 4096,
    download: unlimited,
    signal: new AbortController().signal,
  }).outcome;
  return outcome.state === 'failed' ? outcome.blame : 'nobody';
}

/** A server that takes connections and says nothing. */
async function muteServer(t: TestContext): Promise<number> {
  const server = createServer((socket) => {
    t.after(() => socket.destroy());
    socket.on('error', () => {});
  });
  t.after(() => server.close());
  await new Promise<void>((resolve) => {
    server.listen(0, resolve);
  });
  return (server.address() as AddressInfo).port;
}

/** Lets time pass until something has happened. */
async function advance<T>(host: Host, event: Promise<T>): Promise<T> {
  const over = new AbortController();
  void event.then(() => over.abort());
  for (let tries = 0; !over.signal.aborted && tries < 1000; tries += 1) {
    await host.clock.elapse(100);
  }
  return event;
}

/** Waits for what files tell. */
async function settled(holds: () => boolean): Promise<void> {
  while (!holds()) await setImmediate();
}
