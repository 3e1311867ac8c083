import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { createAdmission } from '../../src/host/admission.ts';
import { memoryRefusal } from '../../src/host/memory-claim.ts';
import { openPlace } from '../../src/host/node-place.ts';
import { simulatedHypervisor } from '../../src/hypervisor/simulated/simulated.ts';
import { identityOf } from '../../src/store/process-identity.ts';
import { failure, JOB_SCRIPT, MEBIBYTE, newWorld, temporaryDirectory } from './fixture.ts';

function newPlace(limitBytes: number, availableBytes: number | null = null) {
  const { world, clock } = newWorld();
  const host = world.addHost({
    name: 'node01',
    memoryBytes: 2 ** 50,
    diskBytesPerSecond: MEBIBYTE,
    linkBytesPerSecond: MEBIBYTE,
    pauseMs: 0,
    scriptOf: () => JOB_SCRIPT,
  });
  const place = openPlace(join(temporaryDirectory(), 'node'));
  const hypervisor = simulatedHypervisor({ host });
  const admit = () =>
    createAdmission({
      clock,
      node: 'node01',
      place,
      hypervisor,
      limitBytes,
      availableBytes: () => availableBytes,
    });
  return { place, admit };
}

void suite('memory of a node', () => {
  void test('`reserve` never gives more than there is, to whom and in which order it may be', async () => {
    const { place, admit } = newPlace(1000);
    const claims = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 600 })), {
      maxLength: 12,
    });
    const property = fc.asyncProperty(claims, async (wanted) => {
      const agents = [admit(), admit()] as const;
      const results = await Promise.allSettled(
        wanted.map(async ([first, memoryBytes], at) => ({
          memoryBytes,
          hold: await agents[first ? 0 : 1].reserve({ vm: `vm.${at}`, memoryBytes }),
        })),
      );
      const given = results.flatMap((it) => (it.status === 'fulfilled' ? [it.value] : []));
      const sum = given.reduce((total, { memoryBytes }) => total + memoryBytes, 0);
      assert.ok(sum <= 1000, `${sum} given`);
      const smallest = wanted.filter((_, at) => results[at]?.status === 'rejected');
      assert.ok(smallest.every(([, memoryBytes]) => memoryBytes > 1000 - sum || sum > 400));
      for (const { hold } of given) hold[Symbol.dispose]();
      assert.deepEqual(readdirSync(place.reservations), []);
    });
    await fc.assert(property, { numRuns: 60 });
  });

  void test('`reserve` takes over what dead host agents have left', async () => {
    const { place, admit } = newPlace(1000);
    writeFileSync(join(place.reservations, 'dead.0'), '1 0\n900\n');
    writeFileSync(join(place.directory, 'admission.lock'), '1 0\n');
    using _memory = await admit().reserve({ vm: 'vm.0', memoryBytes: 1000 });
    assert.deepEqual(readdirSync(place.reservations), ['vm.0']);
  });

  void test('`reserve` gives up on a lock that is not given back', async () => {
    const { place, admit } = newPlace(1000);
    writeFileSync(join(place.directory, 'admission.lock'), identityOf(1) ?? '');
    await assert.rejects(
      admit().reserve({ vm: 'vm.0', memoryBytes: 1 }),
      failure('timeout', /process 1 has held .*admission\.lock for 60 s/),
    );
  });

  void test('`reserve` minds what the host has to give right now', async () => {
    const { admit } = newPlace(2 ** 30, 64 * MEBIBYTE);
    await assert.rejects(
      admit().reserve({ vm: 'vm.0', memoryBytes: 65 * MEBIBYTE }),
      failure('no-room', /the host can give 64\.0 MiB/),
    );
  });

  void test('`memoryRefusal` names the largest holders, and how many more there are', () => {
    const holders = Array.from({ length: 12 }, (_, at) => ({ vm: `vm.${at}`, memoryBytes: at }));
    const claim = { vm: 'new.0', memoryBytes: 100 };
    const ledger = { node: 'node01', limitBytes: 100, availableBytes: null, holders };
    const { message = '' } = memoryRefusal(claim, ledger) ?? {};
    assert.match(message, /\(vm\.11 11 B, vm\.10 10 B, .*, and 4 more\)/);
    assert.equal(memoryRefusal(claim, { ...ledger, holders: [] }), undefined);
    // What a machine has already does not stand in its own way.
    assert.equal(memoryRefusal(claim, { ...ledger, holders: [claim] }), undefined);
  });
});
