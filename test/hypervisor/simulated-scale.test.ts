import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { assert as check, asyncProperty, integer } from 'fast-check';
import { machineDirectory } from './simulated-fixture.ts';
import { playHost } from './simulated-play.ts';
import { playedWorld, type PlayedWorld } from './simulated-played-world.ts';

const MACHINES_PER_HOST = 2;
const STEPS = 8;
const DISK_BYTES = 256 * 1024;

/** Plays all hosts to the end, at which nothing may be left. */
async function play(t: TestContext, { hosts, seed }: { hosts: number; seed: number }) {
  const directory = machineDirectory({ diskBytes: DISK_BYTES });
  t.after(() => rmSync(directory, { recursive: true }));
  const world = playedWorld({ hosts, directory, seed });
  const terms = { machines: MACHINES_PER_HOST, steps: STEPS };
  await Promise.all(world.hosts.map((host) => playHost(world, { ...terms, host })));
  world.checked.assertAll();
  for (const host of world.hosts) {
    assert.deepEqual([...host.machines.keys()], [], host.name);
    assert.equal(host.usedMemoryBytes(), 0);
  }
  return world;
}

/** How often calls ended so. */
function total({ checked }: PlayedWorld, pattern: RegExp): number {
  return [...checked.counts].reduce((sum, [as, times]) => sum + (pattern.test(as) ? times : 0), 0);
}

void test('no machine of 512 is lost on 256 hosts when calls have faults', async (t) => {
  const world = await play(t, { hosts: 256, seed: 1 });
  // A run in which nothing goes wrong, or nothing goes well, would show little.
  const wanted = [
    /^start ok/,
    /^migrate ok/,
    /^suspend ok/,
    /^finished ok/,
    /no-room/,
    /timeout/,
    /unreachable/,
    /^migrate timeout/,
  ];
  for (const pattern of wanted) {
    const times = total(world, pattern);
    assert.ok(times > 20, `${pattern} was ${times}`);
  }
});

void test('no machine is lost on a few hosts, whatever the faults', async (t) => {
  await check(
    asyncProperty(integer({ min: 2, max: 1_000_000 }), async (seed) => {
      await play(t, { hosts: 6, seed });
    }),
    { numRuns: 15 },
  );
});
