import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { connect } from 'node:tls';
import { promisify } from 'node:util';
import { systemClock } from '../../../src/base/system-clock.ts';
import type {
  IncomingOptions,
  MigrationEndpoint,
  MigrationIdentity,
  MigrationOptions,
} from '../../../src/hypervisor/hypervisor.ts';
import { awaitMigration, setCapabilities } from '../../../src/hypervisor/qemu/memory.ts';
import { placesOf } from '../../../src/hypervisor/qemu/places.ts';
import { connectQmp, type Qmp } from '../../../src/hypervisor/qemu/qmp.ts';
import type { VmSpec } from '../../../src/hypervisor/vm-spec.ts';
import { createAuthority, type Authority } from '../../../src/transfer/identity.ts';
import { peerName } from '../../../src/transfer/peer-name.ts';
import { refuses } from '../contract/refusals.ts';
import { qemuFixture, type QemuFixture } from '../qemu-fixture.ts';
import { whyNoGuest } from '../tiny-guest.ts';
import { until } from '../until.ts';

const run = promisify(execFile);
const skip = await whyNoGuest(['qemu-system-x86_64', 'qemu-img', 'nbdinfo']);

const MEBIBYTE = 2 ** 20;
/** Much more than the guest's memory, of which what it never wrote is not sent. */
const BLANK_BYTES = 1024 * MEBIBYTE;
const LIMIT_MS = 60_000;
const ADDRESS = '127.0.0.1';

void suite('migration of QEMU machines', { skip, concurrency: 1 }, () => {
  let fixture: QemuFixture;
  let ours: Authority;
  let strangers: Authority;
  before(async () => {
    fixture = await qemuFixture();
    ours = await createAuthority(new Date());
    strangers = await createAuthority(new Date());
    await fixture.here.hypervisor.create(specWithDisk('here'));
    await fixture.guest.boot(fixture.here, 'vm');
  });
  after(async () => fixture?.close());

  /** With a disk that is the host's own, large, and blank. */
  function specWithDisk(host: 'here' | 'there'): VmSpec {
    const path = join(fixture.root, `${host}.own`);
    if (!existsSync(path)) writeFileSync(path, '');
    truncateSync(path, BLANK_BYTES);
    const spec = fixture[host].spec('vm');
    const own = { name: 'own', access: 'read-write', path, format: 'raw' } as const;
    return { ...spec, disks: [...spec.disks, own] };
  }
  const placesHere = () => placesOf(join(fixture.root, 'here/vms'), 'vm');

  /** Who `node` is to `peer`. */
  async function identityOf(
    node: string,
    peer: string,
    authority = ours,
  ): Promise<MigrationIdentity> {
    return { ...(await authority.issue(node)), peerName: peerName(peer) };
  }
  async function prepare(identity?: MigrationIdentity): Promise<MigrationEndpoint> {
    const incoming: IncomingOptions = { address: ADDRESS, sharedStorage: false };
    const { hypervisor } = fixture.there;
    return hypervisor.prepareMigration(specWithDisk('there'), {
      ...incoming,
      ...(identity && { identity }),
    });
  }
  async function migrate(endpoint: MigrationEndpoint, more: Partial<MigrationOptions>) {
    return fixture.here.hypervisor.migrate('vm', endpoint, {
      sharedStorage: false,
      limitMs: LIMIT_MS,
      downtimeLimitMs: 300,
      bytesPerSecond: null,
      signal: new AbortController().signal,
      ...more,
    });
  }

  /** Nothing came of it: the guest is as it was, and nothing of the migration is left. */
  async function goesOnHere(): Promise<void> {
    const { here, there, guest } = fixture;
    assert.equal((await here.hypervisor.look('vm')).state, 'running');
    await guest.counterBeyond(here, 'vm', await guest.counter(here, 'vm'));
    await guest.write(here, 'vm', MEBIBYTE);
    const { moving, moved, identity } = placesHere();
    for (const path of [moving, moved, identity]) assert.ok(!existsSync(path), path);
    const left = await withSpare(async (qmp) => [
      await qmp.execute('query-jobs'),
      JSON.stringify(await qmp.execute('query-named-block-nodes', { flat: true })).match(/"move-/),
      JSON.stringify(await qmp.execute('qom-list', { path: '/objects' })).match(/"move-/),
      JSON.stringify(await qmp.execute('query-migrate-parameters')).match(/"move-/),
    ]);
    assert.deepEqual(left, [[], null, null, null]);
    await there.hypervisor.abandonMigration('vm');
    assert.deepEqual(await there.leftovers(), []);
  }

  async function withSpare<Result>(work: (qmp: Qmp) => Promise<Result>): Promise<Result> {
    return withMonitor(placesHere().spare, work);
  }

  void test('`migrate` gives nothing away when the target is of another authority', async () => {
    const endpoint = await prepare(await identityOf('there', 'here', strangers));
    const identity = await identityOf('here', 'there');
    await refuses('internal', migrate(endpoint, { identity }));
    // Without disks, memory would be the first thing to be sent.
    await refuses('internal', migrate(endpoint, { identity, sharedStorage: true }));
    await goesOnHere();
  });

  void test('`migrate` gives nothing away when the target is another node', async () => {
    const endpoint = await prepare(await identityOf('other', 'here'));
    const identity = await identityOf('here', 'there');
    await refuses('internal', migrate(endpoint, { identity }));
    await refuses('internal', migrate(endpoint, { identity, sharedStorage: true }));
    await goesOnHere();
  });

  void test('`migrate` is not let in when the target waits for another node', async () => {
    const endpoint = await prepare(await identityOf('there', 'other'));
    const identity = await identityOf('here', 'there');
    await refuses('internal', migrate(endpoint, { identity }));
    await refuses('internal', migrate(endpoint, { identity, sharedStorage: true }));
    await goesOnHere();
  });

  void test('`migrate` refuses when only one side has an identity', async () => {
    await refuses('usage', migrate(await prepare(), { identity: await identityOf('here', 'x') }));
    await fixture.there.hypervisor.abandonMigration('vm');
    await refuses('usage', migrate(await prepare(await identityOf('there', 'here')), {}));
    await goesOnHere();
  });

  void test('`look` has the guest go on when whoever moved it was killed', async () => {
    const endpoint = await prepare(await identityOf('there', 'here'));
    const mover = spawn(process.execPath, [join(import.meta.dirname, 'mover.ts')], {
      stdio: ['pipe', 'inherit', 'inherit'],
    });
    try {
      const directory = join(fixture.root, 'here/vms');
      const identity = await identityOf('here', 'there');
      mover.stdin.end(JSON.stringify({ directory, name: 'vm', endpoint, identity }));
      await until(async () => {
        if (!existsSync(placesHere().moving)) return undefined;
        const jobs = await withSpare(async (qmp) => qmp.execute('query-jobs'));
        return JSON.stringify(jobs).includes('"status":"running"') || undefined;
      }, LIMIT_MS);
    } finally {
      mover.kill('SIGKILL');
      await once(mover, 'close');
    }
    await goesOnHere();
  });

  /** Moves the memory as `migrate` does, up to a point, as a process that is gone. */
  async function abandonedAt(status: 'pre-switchover' | 'completed'): Promise<void> {
    const { host, port } = await prepare();
    const gone = spawn('true');
    await once(gone, 'close');
    writeFileSync(placesHere().moving, JSON.stringify({ pid: gone.pid }));
    await withMonitor(placesHere().control, async (qmp) => {
      const terms = { clock: systemClock, limitMs: LIMIT_MS, what: status };
      await setCapabilities(qmp, { pauseBeforeSwitchover: true });
      await qmp.execute('migrate', { uri: `tcp:${host}:${port}` });
      await awaitMigration(qmp, ['pre-switchover'], terms);
      if (status === 'pre-switchover') return;
      await qmp.execute('migrate-continue', { state: 'pre-switchover' });
      await awaitMigration(qmp, ['completed'], terms);
    });
  }

  void test('`look` has the guest go on when it was left paused before the switch', async () => {
    await abandonedAt('pre-switchover');
    await goesOnHere();
  });

  void test('`pause` finds the guest running when nobody was told that all is there', async () => {
    await abandonedAt('completed');
    await fixture.here.hypervisor.pause('vm');
    await fixture.here.hypervisor.resume('vm');
    await goesOnHere();
  });

  void test('`prepareMigration` takes nothing from strangers, and then the machine', async () => {
    const { here, there, guest } = fixture;
    const endpoint = await prepare(await identityOf('there', 'here'));
    const port = Number(endpoint['port']);
    const url = `nbd://${ADDRESS}:${endpoint['diskPort']}/disk0`;
    await assert.rejects(
      run('timeout', ['-s', 'KILL', '20', 'nbdinfo', url]),
      /server replied with error/,
    );
    const plain = createConnection(port, ADDRESS);
    plain.end('QEVM not a migration');
    await endOf(plain);
    const stranger = await strangers.issue('here');
    const { certificate: cert, key } = stranger;
    const at = { port, host: ADDRESS, rejectUnauthorized: false };
    await endOf(connect(at));
    await endOf(connect({ ...at, cert, key }));
    const known = await ours.issue('here');
    const old = { cert: known.certificate, key: known.key, maxVersion: 'TLSv1.2' } as const;
    await endOf(connect({ ...at, ...old }));
    assert.equal((await there.hypervisor.look('vm')).state, 'incoming');

    const counted = await guest.counter(here, 'vm');
    const figures = await migrate(endpoint, { identity: await identityOf('here', 'there') });
    await there.hypervisor.finishMigration('vm');
    await guest.counterBeyond(there, 'vm', counted);
    await here.hypervisor.remove('vm');
    await guest.write(there, 'vm', MEBIBYTE);
    assert.ok(figures.movedBytes > MEBIBYTE, `${figures.movedBytes}`);
    assert.ok(figures.movedBytes < BLANK_BYTES / 2, `${figures.movedBytes}: holes do not count`);
  });

  void test('`suspend` and `resume` work when the machine came over TLS', async () => {
    const { there, guest } = fixture;
    await there.hypervisor.suspend('vm');
    await there.hypervisor.resume('vm');
    await guest.write(there, 'vm', MEBIBYTE);
    const places = placesOf(join(fixture.root, 'there/vms'), 'vm');
    assert.ok(!readdirSync(places.directory).includes('identity'));
    await there.hypervisor.remove('vm');
    assert.deepEqual(await there.leftovers(), []);
    assert.deepEqual(await fixture.here.leftovers(), []);
  });
});

async function withMonitor<Result>(
  path: string,
  work: (qmp: Qmp) => Promise<Result>,
): Promise<Result> {
  const qmp = await connectQmp({ path, clock: systemClock, title: 'the test', limitMs: LIMIT_MS });
  try {
    return await work(qmp);
  } finally {
    qmp.close();
  }
}

/** Resolves when the other side has ended the connection; one that is let in stays. */
async function endOf(socket: Socket): Promise<void> {
  socket.on('error', () => undefined);
  socket.resume();
  await until(() => socket.closed || undefined, LIMIT_MS);
}
