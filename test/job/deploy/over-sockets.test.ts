/** `deploy` with real caches that speak over real sockets, all in this process. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { suite, test, type TestContext } from 'node:test';
import type { ImageCache } from '../../../src/host/cache/image-cache.ts';
import { deploy, type DeployNode, type DeployReport } from '../../../src/job/deploy/deploy.ts';
import type { RateLimit } from '../../../src/transfer/transfer.ts';
import { testCaches, CHUNK, never, until } from '../../host/cache/caches.ts';
import { noise } from '../../transfer/memory.ts';
import { realClock } from '../../transfer/real-clock.ts';
import { fakeHost } from '../fake-host.ts';

const NODES = 8;
const BYTES = noise(800 * CHUNK, 3);

/** The host agent of a cache, as far as deployment needs one. */
function agentOf(node: string, cache: ImageCache): DeployNode {
  const host = fakeHost(node, {
    present: async ({ files }) => ({ digests: await cache.present(files) }),
    fetch: (request, signal) => cache.fetch(request, signal),
  });
  return { node, caller: host.caller, address: '127.0.0.1', port: cache.port };
}

interface Outcome {
  readonly report: DeployReport;
  readonly relinked: string[];
  /** Nodes that have the file, byte for byte. */
  readonly whole: string[];
}

/** What happens when the frontend has sent so much of the file; it sends no more until it is over. */
interface Incident {
  readonly share: number;
  happen(caches: readonly ImageCache[], agents: readonly DeployNode[]): Promise<void>;
}

async function run(t: TestContext, incident?: Incident): Promise<Outcome> {
  const lab = testCaches(t);
  let sentBytes = 0;
  let hasHappened = incident === undefined;
  const upload: RateLimit = {
    take(bytes) {
      sentBytes += bytes;
      if (hasHappened || sentBytes < (incident?.share ?? 0) * BYTES.length) return undefined;
      hasHappened = true;
      return incident?.happen(caches, agents);
    },
  };
  const frontend = await lab.open('frontend', { upload });
  const file = await frontend.serveFile(lab.write('disk', BYTES), never);
  const names = Array.from({ length: NODES }, (_, at) => `n${at}`);
  const caches = await Promise.all(names.map((name) => lab.open(name)));
  const agents = caches.map((cache, at) => agentOf(names[at] ?? '', cache));
  const relinked: string[] = [];
  const report = await deploy({
    files: [file],
    frontend: agentOf('frontend', frontend),
    nodes: agents,
    clock: realClock,
    signal: never,
    observer: { relinked: (node, from) => relinked.push(`${node} not from ${from}`) },
  });
  const living = names.filter((_, at) => report.nodes[at]?.failure === undefined);
  const whole = living.filter((name) => {
    const cache = caches[names.indexOf(name)];
    return cache !== undefined && readFileSync(cache.pathOf(file.digest)).equals(BYTES);
  });
  return { report, relinked, whole };
}

void suite('deploy over sockets', { timeout: 60_000 }, () => {
  void test('`deploy` carries the file over each link once', async (t) => {
    const { report, whole, relinked } = await run(t);
    assert.equal(whole.length, NODES);
    assert.deepEqual(relinked, []);
    assert.ok(report.frontendBytes < 1.01 * BYTES.length, `${report.frontendBytes} B`);
    for (const { wireBytes } of report.nodes) assert.ok(wireBytes < 1.01 * BYTES.length);
  });

  for (const [when, share] of [
    ['as it begins', 0.1],
    ['in the middle', 0.5],
    ['near its end', 0.9],
  ] as const) {
    void test(`\`deploy\` goes on without a node that dies ${when}`, async (t) => {
      // The frontend still holds the block that reached the share.
      const hadBytes = share * BYTES.length - 640 * 1024;
      const { report, whole, relinked } = await run(t, {
        share,
        async happen(caches, agents) {
          // What the frontend has sent has come to the node behind the one that dies.
          await until(() => (caches[3]?.progress()[0]?.doneBytes ?? 0) >= hadBytes);
          agents[2]?.caller.close();
          await caches[2]?.close();
        },
      });
      const failures = JSON.stringify(report.nodes.map(({ failure }) => failure?.message));
      assert.deepEqual(whole, ['n0', 'n1', 'n3', 'n4', 'n5', 'n6', 'n7'], failures);
      // What had come was kept: nobody but the successor began anew, and it with what it had.
      assert.deepEqual(relinked, ['n3 not from n2']);
      assert.ok(report.frontendBytes < 1.01 * BYTES.length);
      const successor = report.nodes[3]?.wireBytes ?? 0;
      assert.ok(successor < 1.01 * BYTES.length - hadBytes, `${successor} B`);
    });
  }
});
