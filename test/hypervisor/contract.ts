import { describe } from 'node:test';
import { describeEndings } from './contract/endings.ts';
import type { HypervisorFixture } from './contract/fixture.ts';
import { describeLifecycle } from './contract/lifecycle.ts';
import { describeMigration } from './contract/migration.ts';
import { describeSnapshots } from './contract/snapshots.ts';

/**
 * The contract of `Hypervisor`, for any implementation of it. Each part makes a fixture of its own
 * and boots one machine or two, one after the other; its tests build upon each other.
 */
export function describeHypervisor(
  name: string,
  make: () => Promise<HypervisorFixture>,
  options: { readonly skip: string | false } = { skip: false },
): void {
  void describe(`Hypervisor (${name})`, { skip: options.skip, concurrency: 1 }, () => {
    describeLifecycle(make);
    describeSnapshots(make);
    describeEndings(make);
    describeMigration(make);
  });
}
