import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { MigrationOptions } from '../../../src/hypervisor/hypervisor.ts';
import type { FixtureHost, HypervisorFixture } from './fixture.ts';
import { refuses } from './refusals.ts';

const MEBIBYTE = 2 ** 20;
const INCOMING = { address: '127.0.0.1', sharedStorage: false };
const LIMIT_MS = 120_000;
/** So slow that a migration is under way when it is aborted. */
const CRAWL_BYTES_PER_SECOND = 4096;

const options = (more: Partial<MigrationOptions> = {}): MigrationOptions => ({
  sharedStorage: false,
  limitMs: LIMIT_MS,
  downtimeLimitMs: 300,
  bytesPerSecond: null,
  signal: new AbortController().signal,
  ...more,
});

/** Machines that move to another host, and such as do not. */
export function describeMigration(make: () => Promise<HypervisorFixture>): void {
  void describe('migration of a machine', () => {
    let fixture: HypervisorFixture;
    let there: FixtureHost | null = null;
    before(async () => {
      fixture = await make();
      if (fixture.can.migrate) there = fixture.there;
      if (there === null) return;
      await fixture.here.hypervisor.create(fixture.here.spec('vm'));
      await fixture.here.hypervisor.start('vm');
      await fixture.guest.counterBeyond(fixture.here, 'vm', 1);
    });
    after(async () => fixture?.close());

    void it('`abandonMigration` leaves nothing when it was prepared', async (context) => {
      if (there === null) return context.skip('this driver does not migrate');
      const { hypervisor } = there;
      await hypervisor.prepareMigration(there.spec('vm'), INCOMING);
      assert.equal((await hypervisor.look('vm')).state, 'incoming');
      await hypervisor.abandonMigration('vm');
      await hypervisor.abandonMigration('vm');
      assert.deepEqual(await hypervisor.list(), []);
      assert.deepEqual(await there.leftovers(), []);
    });

    void it('`migrate` leaves the machine running when it is aborted', async (context) => {
      if (there === null) return context.skip('this driver does not migrate');
      const { hypervisor } = fixture.here;
      const endpoint = await there.hypervisor.prepareMigration(there.spec('vm'), INCOMING);
      const abort = new AbortController();
      const slow = options({ signal: abort.signal, bytesPerSecond: CRAWL_BYTES_PER_SECOND });
      const moving = hypervisor.migrate('vm', endpoint, slow);
      const now = await fixture.guest.counter(fixture.here, 'vm');
      await fixture.guest.counterBeyond(fixture.here, 'vm', now);
      abort.abort();
      await refuses('cancelled', moving);
      assert.equal((await hypervisor.look('vm')).state, 'running');
      await there.hypervisor.abandonMigration('vm');
      await fixture.guest.write(fixture.here, 'vm', MEBIBYTE);
    });

    void it('`migrate` leaves the machine running when it takes too long', async (context) => {
      if (there === null) return context.skip('this driver does not migrate');
      const { hypervisor } = fixture.here;
      const endpoint = await there.hypervisor.prepareMigration(there.spec('vm'), INCOMING);
      const slow = options({ limitMs: 1000, bytesPerSecond: CRAWL_BYTES_PER_SECOND });
      await refuses('timeout', hypervisor.migrate('vm', endpoint, slow));
      assert.equal((await hypervisor.look('vm')).state, 'running');
      await there.hypervisor.abandonMigration('vm');
      await fixture.guest.write(fixture.here, 'vm', MEBIBYTE);
    });

    void it('`migrate` moves the machine, with its disk', async (context) => {
      if (there === null) return context.skip('this driver does not migrate');
      const { hypervisor } = fixture.here;
      const endpoint = await there.hypervisor.prepareMigration(there.spec('vm'), INCOMING);
      const counted = await fixture.guest.counter(fixture.here, 'vm');
      const figures = await hypervisor.migrate('vm', endpoint, options());
      await there.hypervisor.finishMigration('vm');
      assert.ok(figures.movedBytes > MEBIBYTE && figures.totalMs > 0);
      assert.equal((await hypervisor.look('vm')).state, 'stopped');
      assert.equal((await there.hypervisor.look('vm')).state, 'running');
      await fixture.guest.counterBeyond(there, 'vm', counted);
      await hypervisor.remove('vm');
      await fixture.guest.write(there, 'vm', MEBIBYTE);
    });

    void it('`remove` leaves nothing on either host when the machine has moved', async (context) => {
      if (there === null) return context.skip('this driver does not migrate');
      await there.hypervisor.remove('vm');
      assert.deepEqual(await there.leftovers(), []);
      assert.deepEqual(await fixture.here.leftovers(), []);
    });
  });
}
