import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { suite, test, type TestContext } from 'node:test';
import type { ImagePlace } from '../../src/agent/image-place.ts';
import { createReceives } from '../../src/agent/receives.ts';
import type { ImageLanding } from '../../src/content/landing.ts';
import type { AgentMessage } from '../../src/control/messages.ts';
import { unlimited } from '../../src/transfer/rate-limit.ts';
import { exchange, newAuthority } from '../transfer/exchange.ts';
import { CHUNK_BYTES, memoryImage, memoryLanding, noise } from '../transfer/memory.ts';

const authority = await newAuthority();
const SUMMARY = { imageDigest: 'd', dataBytes: CHUNK_BYTES };

/** An agent that receives `disk` from a real sender; its disk is in the hands of a test. */
async function receiver(t: TestContext, finish: () => Promise<typeof SUMMARY>) {
  const sender = await exchange(authority, memoryImage(noise(CHUNK_BYTES)));
  t.after(() => sender[Symbol.asyncDispose]());
  const said: AgentMessage[] = [];
  const news = new EventTarget();
  const landings: { isAbandoned: boolean }[] = [];
  const place: ImagePlace = {
    directory: '/',
    land(_, { shape }) {
      const landing = memoryLanding({ sizeBytes: shape.sizeBytes });
      const fate = { isAbandoned: false };
      landings.push(fate);
      return Promise.resolve<ImageLanding>({
        ...landing,
        finish,
        abandon() {
          fate.isAbandoned = true;
          return Promise.resolve();
        },
      });
    },
    record: () => Promise.resolve(),
    kept: () => [],
    drop: () => {},
    empty: () => {},
    close: () => Promise.resolve(),
  };
  const receives = createReceives({
    channel: {
      send(message) {
        said.push(message);
        news.dispatchEvent(new Event('said'));
      },
    },
    identity: await authority.issue('receiver'),
    chunkSizeBytes: CHUNK_BYTES,
    place,
    download: unlimited,
    stallMs: 15_000,
    onReceived: () => Promise.resolve(),
  });

  return {
    landings,
    receives,
    said,
    start(transfer: string) {
      receives.start({
        type: 'receive',
        transfer,
        image: { id: 'disk', node: 'sender', path: '/disk', sizeBytes: CHUNK_BYTES },
        neededBytes: CHUNK_BYTES,
        from: { node: 'sender', host: '127.0.0.1', port: sender.server.port },
      });
    },
    async heard(type: AgentMessage['type'], transfer: string): Promise<void> {
      const isThere = (): boolean =>
        said.some((one) => one.type === type && 'transfer' in one && one.transfer === transfer);
      while (!isThere()) await once(news, 'said');
    },
  };
}

void suite('createReceives', () => {
  void test('`start` lands an image only when an earlier try has let it go', async (t) => {
    const disk = Promise.withResolvers<typeof SUMMARY>();
    const { landings, receives, start, heard } = await receiver(t, () => disk.promise);
    start('t1');
    await heard('arrived', 't1');
    // The coordinator waits no longer; the sync of the first try goes on.
    receives.cancel('t1');
    start('t2');
    for (let turn = 0; turn < 100; turn += 1) await setImmediate();
    assert.equal(landings.length, 1);
    disk.resolve(SUMMARY);
    await heard('received', 't1');
    await heard('received', 't2');
    assert.equal(landings.length, 2);
    await receives.stop();
  });

  void test('`cancel` leaves no landing behind when a try still waits for its turn', async (t) => {
    const disk = Promise.withResolvers<typeof SUMMARY>();
    const { landings, receives, start, heard } = await receiver(t, () => disk.promise);
    start('t1');
    await heard('arrived', 't1');
    start('t2');
    for (let turn = 0; turn < 100; turn += 1) await setImmediate();
    receives.cancel('t2');
    await heard('receive-failed', 't2');
    disk.resolve(SUMMARY);
    await heard('received', 't1');
    await receives.stop();
    assert.equal(landings.length, 1);
  });

  void test('`start` gives its landing up when it cannot be finished', async (t) => {
    const { landings, receives, start, heard } = await receiver(t, () =>
      Promise.reject(new Error()),
    );
    start('t1');
    await heard('receive-failed', 't1');
    assert.deepEqual(landings, [{ isAbandoned: true }]);
    await receives.stop();
  });
});
