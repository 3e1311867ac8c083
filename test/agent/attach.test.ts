import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { execPath, pid } from 'node:process';
import { suite, test, type TestContext } from 'node:test';
import type {
  AttachPoint,
  Hold,
  HolderMessage,
  VisitChannel,
  VisitorMessage,
} from '../../src/agent/attach-point.ts';
import { socketAttachPoint } from '../../src/agent/attach-socket.ts';
import { temporaryDirectory } from '../content/fixtures.ts';
import { hear } from '../control/channel-contract.ts';
import { memoryAttach } from './memory-attach.ts';

const HOLDING: HolderMessage = {
  type: 'holding',
  processId: 7,
  build: '1',
  runId: 'run',
  chunkSizeBytes: 4096,
};

const attachPoints: Readonly<Record<string, () => AttachPoint>> = {
  memory: () => memoryAttach().of(pid),
  socket: () => socketAttachPoint,
};

/** The contract of `AttachPoint`, for any implementation of it. */
for (const [name, make] of Object.entries(attachPoints)) {
  void suite(`AttachPoint (${name})`, () => {
    void test('`reach` leads to the agent that holds the directory, and both hear each other', async (t) => {
      const attach = make();
      const directory = join(temporaryDirectory(t), 'spool');
      const visits: ReturnType<typeof hear<HolderMessage, VisitorMessage>>[] = [];
      const hold = await held(t, attach, directory, (channel) => {
        channel.send(HOLDING);
        channel.send({ type: 'pong' });
        visits.push(hear<HolderMessage, VisitorMessage>(channel));
      });
      assert.equal(hold.defect, undefined);
      const visitor = await attach.reach(directory);
      assert.ok(visitor !== undefined);
      const atVisitor = hear<VisitorMessage, HolderMessage>(visitor);
      visitor.send({ type: 'make-way' });
      visitor.send({ type: 'leave', emptySpool: false });
      visitor.close();
      assert.equal(await atVisitor.ended, undefined);
      while (visits.length === 0) await new Promise(setImmediate);
      assert.equal(await visits[0]?.ended, undefined);
      assert.deepEqual(visits[0]?.messages, [
        { type: 'make-way' },
        { type: 'leave', emptySpool: false },
      ]);
    });

    void test('all that the holder says before it ends the visit arrives', async (t) => {
      const attach = make();
      const directory = temporaryDirectory(t);
      const notices = Array.from({ length: 500 }, (_, place) => ({
        type: 'notice' as const,
        text: `${place} ${'x'.repeat(1900)}`,
      }));
      await held(t, attach, directory, (channel) => {
        hear<HolderMessage, VisitorMessage>(channel);
        for (const notice of notices) channel.send(notice);
        channel.close();
      });
      const visitor = await attach.reach(directory);
      assert.ok(visitor !== undefined);
      const { messages, ended } = hear<VisitorMessage, HolderMessage>(visitor);
      assert.equal(await ended, undefined);
      assert.deepEqual(messages, notices);
    });

    void test('`hold` takes a directory once, until it is released', async (t) => {
      const attach = make();
      const directory = temporaryDirectory(t);
      assert.equal(await attach.reach(directory), undefined);
      const hold = await held(t, attach, directory);
      const taken = await attach.hold(directory, () => {});
      assert.deepEqual(taken, { state: 'taken', processId: pid });
      hold.release();
      hold.release();
      assert.equal(await attach.reach(directory), undefined);
      assert.deepEqual(readdirSync(directory), []);
      const again = await held(t, attach, directory);
      // What was released before gives nothing back that is another's now.
      hold.release();
      assert.equal((await attach.hold(directory, () => {})).state, 'taken');
      again.release();
    });

    void test('`reach` finds nobody where there is no directory', async (t) => {
      assert.equal(await make().reach(join(temporaryDirectory(t), 'none')), undefined);
    });
  });
}

void suite('socketAttachPoint', () => {
  void test('`hold` works in a directory whose name is longer than that of a socket may be', async (t) => {
    const directory = join(temporaryDirectory(t), 'long-'.repeat(40), 'longer-'.repeat(30));
    const hold = await held(t, socketAttachPoint, directory);
    assert.equal(hold.defect, undefined);
    const visitor = await socketAttachPoint.reach(directory);
    assert.ok(visitor !== undefined);
    visitor.close();
    assert.equal(statSync(directory).mode & 0o777, 0o700);
  });

  void test('`hold` takes over what a killed process has left', async (t) => {
    const directory = temporaryDirectory(t);
    const module = join(import.meta.dirname, '../../src/agent/attach-socket.ts');
    const code = `import { socketAttachPoint as attach } from ${JSON.stringify(module)};
      console.log((await attach.hold(process.argv[1], () => {})).state);`;
    const words = ['--input-type=module', '--eval', code, directory];
    const holder = spawn(execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(holder.stdout, 'data');
    const [visitor, attempt] = [
      await socketAttachPoint.reach(directory),
      await socketAttachPoint.hold(directory, () => {}),
    ];
    assert.ok(visitor !== undefined);
    visitor.close();
    assert.deepEqual(attempt, { state: 'taken', processId: holder.pid });
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    assert.deepEqual(readdirSync(directory).toSorted(), ['agent.lock', 'agent.sock']);
    assert.equal(await socketAttachPoint.reach(directory), undefined);
    const hold = await held(t, socketAttachPoint, directory);
    hold.release();
    assert.deepEqual(readdirSync(directory), []);
  });

  void test('`hold` keeps others out also where a socket cannot be made', async (t) => {
    const directory = temporaryDirectory(t);
    mkdirSync(join(directory, 'agent.sock'));
    const hold = await held(t, socketAttachPoint, directory);
    assert.match(hold.defect ?? '', /socket cannot be made/);
    assert.equal((await socketAttachPoint.hold(directory, () => {})).state, 'taken');
    hold.release();
    assert.ok(!existsSync(join(directory, 'agent.lock')));
  });

  void test('`hold` fails with the operating system when the directory cannot be made', async () => {
    await assert.rejects(
      socketAttachPoint.hold('/proc/spool', () => {}),
      { code: 'ENOENT' },
    );
  });
});

async function held(
  t: TestContext,
  attach: AttachPoint,
  directory: string,
  onVisit: (channel: VisitChannel) => void = (channel) => channel.close(),
): Promise<Hold> {
  const attempt = await attach.hold(directory, onVisit);
  assert.ok(attempt.state === 'held');
  t.after(() => attempt.hold.release());
  return attempt.hold;
}
