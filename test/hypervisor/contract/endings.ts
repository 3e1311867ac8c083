import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { HypervisorFixture } from './fixture.ts';
import { refuses } from './refusals.ts';

/** A guest that does not react must be gone soon after this. */
const SHORT_LIMIT_MS = 500;

/** The ways in which machines end that are not orderly. */
export function describeEndings(make: () => Promise<HypervisorFixture>): void {
  void describe('the end of a machine', () => {
    let fixture: HypervisorFixture;
    const never = new AbortController().signal;
    before(async () => {
      fixture = await make();
      await fixture.here.hypervisor.create(fixture.here.spec('vm'));
    });
    after(async () => fixture?.close());
    const look = async () => fixture.here.hypervisor.look('vm');
    const boot = async () => fixture.guest.boot(fixture.here, 'vm');

    void it('`stop` does nothing when the machine was never started', async () => {
      await fixture.here.hypervisor.stop('vm');
      assert.ok(['defined', 'stopped'].includes((await look()).state));
    });

    void it('`waitForExit` is cancelled when its signal is aborted', async () => {
      await boot();
      const abort = new AbortController();
      const waiting = fixture.here.hypervisor.waitForExit('vm', abort.signal);
      abort.abort();
      await refuses('cancelled', waiting);
      assert.equal((await look()).state, 'running');
    });

    void it('`shutdown` ends the machine by force when the guest does not react', async () => {
      const { hypervisor } = fixture.here;
      await fixture.guest.ignorePowerButton(fixture.here, 'vm');
      assert.equal(await hypervisor.shutdown('vm', { limitMs: SHORT_LIMIT_MS }), 'forced');
      const { state, exit } = await look();
      assert.equal(state, 'stopped');
      assert.equal(exit?.reason, 'stopped');
      await hypervisor.stop('vm');
      assert.equal((await hypervisor.waitForExit('vm', never)).reason, 'stopped');
    });

    void it('`start` runs a machine again when it has stopped', async () => {
      await boot();
      const { state, exit } = await look();
      assert.equal(state, 'running');
      assert.equal(exit, null);
    });

    void it('`waitForExit` tells of a guest that shuts down by itself', async () => {
      const ended = fixture.here.hypervisor.waitForExit('vm', never);
      ended.catch(() => undefined);
      await fixture.guest.powerOff(fixture.here, 'vm');
      assert.equal((await ended).reason, 'guest');
      assert.equal((await look()).state, 'stopped');
    });

    void it('`stop` ends a running machine, and is seen', async () => {
      const { hypervisor } = fixture.here;
      await hypervisor.start('vm');
      const ended = hypervisor.waitForExit('vm', never);
      ended.catch(() => undefined);
      await hypervisor.stop('vm');
      assert.equal((await ended).reason, 'stopped');
      assert.equal((await look()).state, 'stopped');
    });

    void it('`waitForExit` tells of a machine whose process is gone', async (context) => {
      if (fixture.kill === null) return context.skip('this driver has no processes');
      await fixture.here.hypervisor.start('vm');
      const ended = fixture.here.hypervisor.waitForExit('vm', never);
      ended.catch(() => undefined);
      await fixture.kill('vm');
      assert.equal((await ended).reason, 'killed');
      assert.equal((await look()).state, 'stopped');
    });

    void it('`waitForExit` tells of a panic, and the machine is held', async (context) => {
      if (!fixture.can.panic) return context.skip('this driver does not see panics');
      const { hypervisor } = fixture.here;
      await boot();
      const ended = hypervisor.waitForExit('vm', never);
      ended.catch(() => undefined);
      await fixture.guest.panic(fixture.here, 'vm');
      assert.equal((await ended).reason, 'panicked');
      assert.equal((await look()).state, 'panicked');
      await refuses('usage', hypervisor.pause('vm'));
      await hypervisor.stop('vm');
      assert.equal((await look()).state, 'stopped');
    });

    void it('`remove` ends a running machine', async () => {
      const { hypervisor } = fixture.here;
      await hypervisor.start('vm');
      await hypervisor.remove('vm');
      assert.deepEqual(await hypervisor.list(), []);
      assert.deepEqual(await fixture.here.leftovers(), []);
    });
  });
}
