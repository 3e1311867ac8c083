import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { HypervisorFixture } from './fixture.ts';
import { refuses } from './refusals.ts';

const SHUTDOWN_LIMIT_MS = 60_000;

/** From `create` to `remove`, and what each state refuses. */
export function describeLifecycle(make: () => Promise<HypervisorFixture>): void {
  void describe('the life of a machine', () => {
    let fixture: HypervisorFixture;
    let counted = 0;
    before(async () => {
      fixture = await make();
    });
    after(async () => fixture?.close());
    const state = async (name = 'vm') => (await fixture.here.hypervisor.look(name)).state;

    void it('`probe` says what there is when the hypervisor is there', async () => {
      const facts = await fixture.here.hypervisor.probe(new AbortController().signal);
      assert.match(facts.version, /\d/);
      assert.ok(facts.arch.length > 0);
    });

    void it('`look` and all that change a machine refuse when there is none', async () => {
      const { hypervisor } = fixture.here;
      await refuses('usage', hypervisor.look('nobody'));
      await refuses('usage', hypervisor.start('nobody'));
      await refuses('usage', hypervisor.pause('nobody'));
      await refuses('usage', hypervisor.dirtyMap('nobody', 'root'));
    });

    void it('`remove` does nothing when there is no such machine', async () => {
      await fixture.here.hypervisor.remove('nobody');
    });

    void it('`create` leaves nothing when a disk to start from is missing', async () => {
      const { hypervisor } = fixture.here;
      const base = { kind: 'file', path: '/nonexistent/base.raw', format: 'raw' } as const;
      const spec = fixture.here.spec('broken');
      const disks = [{ name: 'root', access: 'copy-on-write', base } as const];
      await assert.rejects(hypervisor.create({ ...spec, disks }));
      assert.deepEqual(await hypervisor.list(), []);
      assert.deepEqual(await fixture.here.leftovers(), []);
    });

    void it('`create` makes a machine that is defined, once', async () => {
      const { hypervisor } = fixture.here;
      await hypervisor.create(fixture.here.spec('vm'));
      assert.equal(await state(), 'defined');
      await refuses('usage', hypervisor.create(fixture.here.spec('vm')));
      const found = await hypervisor.list();
      assert.deepEqual(
        found.map(({ name, exit }) => ({ name, exit })),
        [{ name: 'vm', exit: null }],
      );
    });

    void it('calls for running machines refuse when it is defined', async () => {
      const { hypervisor } = fixture.here;
      await refuses('usage', hypervisor.pause('vm'));
      await refuses('usage', hypervisor.resume('vm'));
      await refuses('usage', hypervisor.suspend('vm'));
      await refuses('usage', hypervisor.finishMigration('vm'));
      await refuses('usage', hypervisor.freeze('vm', { limitMs: 1000, holdMs: 1000 }));
      assert.equal(await state(), 'defined');
    });

    void it('`start` runs the guest', async () => {
      const { hypervisor } = fixture.here;
      await hypervisor.start('vm');
      assert.equal(await state(), 'running');
      await fixture.guest.counterBeyond(fixture.here, 'vm', 2);
      await refuses('usage', hypervisor.start('vm'));
      await refuses('usage', hypervisor.resume('vm'));
      assert.equal(await state(), 'running');
    });

    void it('`pause` holds the guest, and `resume` lets it go on', async () => {
      const { hypervisor } = fixture.here;
      await hypervisor.pause('vm');
      assert.equal(await state(), 'paused');
      await refuses('usage', hypervisor.pause('vm'));
      await hypervisor.resume('vm');
      assert.equal(await state(), 'running');
      const held = await fixture.guest.counter(fixture.here, 'vm');
      await fixture.guest.counterBeyond(fixture.here, 'vm', held);
    });

    void it('`list` finds a running machine when the driver is a new one', async () => {
      const again = fixture.here.again();
      const [found, ...others] = await again.list();
      assert.deepEqual(others, []);
      assert.equal(found?.state, 'running');
      assert.deepEqual(found.spec, fixture.here.spec('vm'));
      await again.pause('vm');
      assert.equal(await state(), 'paused');
      await again.resume('vm');
    });

    void it('`suspend` keeps the memory when the machine is resumed', async (context) => {
      if (!fixture.can.memory) return context.skip('this driver does not save memory');
      const { hypervisor } = fixture.here;
      counted = await fixture.guest.counter(fixture.here, 'vm');
      await hypervisor.suspend('vm');
      assert.equal(await state(), 'suspended');
      await refuses('usage', hypervisor.pause('vm'));
      await refuses('usage', hypervisor.start('vm'));
      assert.equal((await fixture.here.again().look('vm')).state, 'suspended');
      await fixture.here.again().resume('vm');
      assert.equal(await state(), 'running');
      const beyond = await fixture.guest.counterBeyond(fixture.here, 'vm', counted);
      assert.ok(beyond > counted, 'it did not boot again');
    });

    void it('`shutdown` is clean when the guest minds the power button', async () => {
      const { hypervisor } = fixture.here;
      const ended = hypervisor.waitForExit('vm', new AbortController().signal);
      ended.catch(() => undefined);
      assert.equal(await hypervisor.shutdown('vm', { limitMs: SHUTDOWN_LIMIT_MS }), 'clean');
      assert.equal(await state(), 'stopped');
      assert.equal((await ended).reason, 'guest');
      assert.equal((await hypervisor.look('vm')).exit?.reason, 'guest');
      assert.equal((await fixture.here.again().look('vm')).exit?.reason, 'guest');
    });

    void it('`remove` leaves nothing', async () => {
      const { hypervisor } = fixture.here;
      await hypervisor.remove('vm');
      await hypervisor.remove('vm');
      assert.deepEqual(await hypervisor.list(), []);
      await refuses('usage', hypervisor.look('vm'));
      assert.deepEqual(await fixture.here.leftovers(), []);
    });
  });
}
