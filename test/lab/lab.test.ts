import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import type { Lab } from '../../lab/lab.ts';
import { processesIn } from '../../lab/processes.ts';
import { missingForLab } from '../../lab/requirements.ts';
import { rateBytesPerSecond } from '../../lab/shaping.ts';
import { startLab } from '../../lab/start.ts';

const missing = missingForLab();
const skip = missing.length > 0 && missing.join('; ');

const RATE = '40mbit';
const ROOT = join(import.meta.dirname, '../..');

void describe('a lab', { skip, timeout: 60_000 }, () => {
  let lab: Lab;
  before(async () => {
    lab = await startLab({ nodes: 3, rate: RATE });
  });
  after(async () => lab.stop());

  void it('`startLab` makes hosts that ssh reaches by name and that know their own', async () => {
    for (const node of lab.nodes) {
      assert.equal(
        (await lab.run(lab.frontend, ssh(lab, node.name, 'hostname'))).trim(),
        node.name,
      );
    }
    assert.deepEqual(
      lab.nodes.map((node) => node.name),
      ['kn01', 'kn02', 'kn03'],
    );
  });

  void it('`sshConfig` lets nodes reach the frontend and each other, also by sftp', async () => {
    const [first, second] = lab.nodes;
    assert.ok(first !== undefined && second !== undefined);
    for (const [from, to] of [
      [first, lab.frontend],
      [first, second],
      [lab.frontend, lab.frontend],
    ] as const) {
      assert.equal((await lab.run(from, ssh(lab, to.name, 'hostname'))).trim(), to.name);
    }
    const sftp = ['sftp', '-F', lab.sshConfig, lab.frontend.name];
    assert.match(await lab.run(first, sftp, 'pwd\n'), /Remote working directory: \//);
    const get = 'get /labnode/note /labnode/got\n';
    writeFileSync(join(lab.frontend.labnode, 'note'), 'of the frontend');
    await lab.run(first, sftp, get);
    assert.equal(readFileSync(join(first.labnode, 'got'), 'utf8'), 'of the frontend');
  });

  void it('`sshConfig` has ssh refuse a host when its key is not the known one', async () => {
    const wrong = join(lab.directory, 'wrong-hosts');
    const userKey = readFileSync(join(lab.directory, 'user-key.pub'), 'utf8');
    writeFileSync(wrong, `kn01,${lab.nodes[0]?.address} ${userKey}`);
    const argv = ssh(lab, '-o', `UserKnownHostsFile=${wrong}`, 'kn01', 'true');
    await assert.rejects(lab.run(lab.frontend, argv), /Host key verification failed/);
  });

  void it('`startLab` gives every host a /labnode, a home and a cache of its own', async () => {
    for (const node of lab.nodes) {
      const command = 'hostname | tee /labnode/image "$XDG_CACHE_HOME/agent"';
      await lab.run(lab.frontend, ssh(lab, node.name, command));
    }
    for (const node of lab.nodes) {
      assert.match(readFileSync(join(node.labnode, 'image'), 'utf8'), new RegExp(node.name));
      const kept = await lab.run(node, ['sh', '-c', 'cat /labnode/image "$HOME/.cache/agent"']);
      assert.equal(kept.match(new RegExp(node.name, 'g'))?.length, 2);
    }
    assert.equal(existsSync('/labnode/image'), false);
  });

  void it('`startLab` shapes links to the rate that was asked for', async () => {
    const [node] = lab.nodes;
    assert.ok(node);
    const bytes = 4 * 1024 * 1024;
    const receivedBefore = await lab.bytesReceived(lab.frontend);
    const startedMs = performance.now();
    const command = `head -c ${bytes} /dev/zero`;
    await lab.run(lab.frontend, ['sh', '-c', `${ssh(lab, 'kn01', command).join(' ')} >/dev/null`]);
    const seconds = (performance.now() - startedMs) / 1000;
    const received = (await lab.bytesReceived(lab.frontend)) - receivedBefore;
    assert.ok(received > bytes, `${received} bytes came for ${bytes}`);
    assert.ok(received < 1.2 * bytes, `${received} bytes came for ${bytes}`);
    // The ssh handshake is part of the time: only an upper limit is certain on a busy machine.
    const part = received / seconds / rateBytesPerSecond(RATE);
    assert.ok(part < 1.1, `${part} of the rate`);
    assert.ok(part > 0.1, `${part} of the rate`);
  });

  void it('`linkDown` and `killSshd` make a host unreachable until they are undone', async () => {
    const [, node] = lab.nodes;
    assert.ok(node);
    const hello = ssh(lab, '-o', 'ConnectTimeout=1', node.name, 'true');
    await lab.linkDown(node);
    await assert.rejects(lab.run(lab.frontend, hello), /timed out|No route/);
    await lab.linkUp(node);
    await lab.killSshd(node);
    await assert.rejects(lab.run(lab.frontend, ssh(lab, node.name, 'true')), /refused/);
    await lab.startSshd(node);
    await lab.run(lab.frontend, ssh(lab, node.name, 'true'));
  });

  void it('`setRate` shapes a link anew when the lab runs', async () => {
    const [node] = lab.nodes;
    assert.ok(node);
    await lab.setRate(node, '7mbit');
    assert.match(await lab.run(node, ['tc', 'qdisc', 'show']), /tbf .*rate 7Mbit/);
  });

  void it('`startLab` says what it wants when the options make no lab', async () => {
    await assert.rejects(startLab({ nodes: 0, rate: RATE }), /wanted 1 to/);
    await assert.rejects(startLab({ nodes: 1, rate: '40 apples' }), /wanted e\.g\. 40mbit/);
    await assert.rejects(startLab({ nodes: 1, rate: RATE, name: '../x' }), /wanted a letter/);
    await assert.rejects(startLab({ nodes: 1, rate: RATE, name: lab.name }), /exists/);
  });
});

void describe('the end of a lab', { skip, timeout: 60_000 }, () => {
  void it('`stop` leaves no process, namespace, mount or directory', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'kgetplus-lab-test-'));
    const lab = await startLab({ nodes: 2, rate: RATE, directory });
    const sleeper = lab.exec(lab.frontend, ['sleep', '600'], { stdio: 'ignore' });
    const ended = once(sleeper, 'exit');
    assert.notDeepEqual(tracesOf(lab.name), []);
    await lab.stop();
    assert.deepEqual(await ended, [null, 'SIGKILL']);
    assert.deepEqual(tracesOf(lab.name), []);
    assert.equal(existsSync(lab.directory), false);
    await lab.stop();
    await rm(directory, { recursive: true });
  });

  void it('`startLab` leaves nothing when it cannot go on', async () => {
    const name = `kglhalf${process.pid}`;
    // A file where the lab wants its folder.
    const directory = await mkdtemp(join(tmpdir(), 'kgetplus-lab-test-'));
    writeFileSync(join(directory, `kgetplus-lab-${name}`), '');
    await assert.rejects(startLab({ nodes: 2, rate: RATE, name, directory }), /EEXIST/);
    assert.deepEqual(tracesOf(name), []);
    await rm(directory, { recursive: true });
  });

  void it('`lab down` removes a lab when its owner was killed', async () => {
    const name = `kglcrash${process.pid}`;
    const program = `
      const { startLab } = await import(${JSON.stringify(join(ROOT, 'lab/start.ts'))});
      await startLab({ nodes: 2, rate: '${RATE}', name: '${name}' });
      console.log('up');
      setInterval(() => undefined, 1000);`;
    const owner = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(owner.stdout, 'data');
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    assert.ok(processesIn([`${name}-kn01`]).length > 0);
    assert.match(labCommand('status'), new RegExp(`${name}: 2 nodes .* stale`));
    assert.match(labCommand('down', name), /is removed/);
    assert.deepEqual(tracesOf(name), []);
  });
});

function ssh(lab: Lab, ...argv: readonly string[]): readonly string[] {
  return ['ssh', '-F', lab.sshConfig, ...argv];
}

function labCommand(...argv: readonly string[]): string {
  const options = { encoding: 'utf8' } as const;
  return spawnSync(process.execPath, [join(ROOT, 'lab/main.ts'), ...argv], options).stdout;
}

/** Every line in which the machine knows a lab: namespaces, directories, mounts, processes. */
function tracesOf(name: string): readonly string[] {
  const script = 'ls -d /run/netns/* /labnode/* "$TMP"/*; cat /proc/mounts; ps -eo args';
  const env = { ...process.env, TMP: tmpdir() };
  const { stdout } = spawnSync('sh', ['-c', script], { encoding: 'utf8', env });
  return stdout.split('\n').filter((line) => line.includes(name));
}
