import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { fakeSsh, installNode, installOldNode } from './fake-ssh.ts';
import { KiB, makeSite } from './site.ts';

/** Nodes that cannot take part, and what is said about them. */
const UNFIT: Readonly<Record<string, RegExp>> = {
  refused1: /Cannot reach refused1: the connection was refused; .*check that sshd runs there/,
  unknown1: /Cannot reach unknown1: its name cannot be resolved; .*check the node set/,
  stranger1: /Cannot reach stranger1: its host key is not known here; .*"ssh stranger1 true" once/,
  changed1: /Cannot reach changed1: its host key is not the one that is known; .*ssh-keygen -R/,
  closed1: /Cannot reach closed1: it does not let us in; .*BatchMode=yes closed1/,
  silent1: /Cannot reach silent1: .*exit code 255 .*; try ".*fake-ssh silent1 true"/,
  other1: /Cannot use the agent on other1: its version is 0.0.1, wanted \d+\.\d+\.\d+ as here/,
  old1: /agent on old1: Node.js 20 or newer is wanted, \.\/node is v18.20.4; install it/,
  bare1: /agent on bare1: Node.js 20 or newer is wanted, none was found; .*or name its place with/,
};

void suite('nodes that cannot take part', { concurrency: 2 }, () => {
  void test('`gather` gathers all others, says what is wrong with each, and exits with 3', async () => {
    const site = makeSite();
    const ssh = fakeSsh(site);
    for (const node of ['good1', 'good2', 'old1', 'bare1']) site.image(node, 300 * KiB);
    installNode(site, 'good1', 'good2');
    installOldNode(site, 'old1');
    const names = ['good1', ...Object.keys(UNFIT), 'good2'];
    const { exitCode, stderr } = await site.gather(names.join(','), ...ssh);
    assert.equal(exitCode, 3, stderr);
    // Words that ssh said stand between what was found and what to do.
    const lines = stderr.replaceAll(/its last words: ".*?"; /g, '').split('\n');
    for (const [node, message] of Object.entries(UNFIT)) {
      assert.ok(
        lines.some((line) => message.test(line)),
        `${node}: ${stderr}`,
      );
      assert.equal(site.report().nodes.find((entry) => entry.node === node)?.state, 'failed');
    }
    assert.match(stderr, /Not released: .*refused1.*; kgetplus resume .* tries these again/);
    site.assertSafe(['good1', 'good2']);
    assert.deepEqual(site.spooled(), []);
  });

  void test('`gather` exits with 4 when no node can be reached', async () => {
    const site = makeSite();
    const { exitCode, stderr } = await site.gather('refused[1-2]', ...fakeSsh(site));
    assert.equal(exitCode, 4, stderr);
    assert.match(stderr, /Not released: refused\[1-2\]/);
  });

  void test('`gather` exits with 4 when the remote shell is not there', async () => {
    const site = makeSite();
    const ssh = ['--launcher', 'ssh', '--ssh', '/no/such/shell'];
    const { exitCode, stderr } = await site.gather('a', ...ssh);
    assert.equal(exitCode, 4, stderr);
    assert.match(stderr, /"\/no\/such\/shell" cannot be started.*install the OpenSSH client/);
  });

  void test('`gather` gathers a node once and says so when it is named twice', async () => {
    const site = makeSite();
    for (const node of ['a1', 'a2']) site.image(node, 10 * KiB);
    const { exitCode, stderr } = await site.gather('a[1-2]', '-w', 'a2', '-w', 'a1');
    assert.equal(exitCode, 0, stderr);
    assert.match(stderr, /a\[1-2\] named more than once; gathered once/);
    assert.equal(site.report().images.length, 2);
    site.assertSafe(['a1', 'a2']);
  });

  void test('`gather` reads `-w @FILE` and ClusterShell groups, and leaves out `-x`', async () => {
    const site = makeSite();
    for (const node of ['a1', 'a2', 'b1']) site.image(node, 10 * KiB);
    writeFileSync(join(site.root, 'nodes.txt'), '# ours\na[1-3]\n');
    mkdirSync(join(site.root, 'clustershell/groups.d'), { recursive: true });
    writeFileSync(join(site.root, 'clustershell/groups.d/local.cfg'), 'spare: a3,b1\nall: b1\n');
    const { exitCode, stderr } = await site.gather('@nodes.txt,@all', '-x', '@spare');
    assert.equal(exitCode, 0, stderr);
    site.assertSafe(['a1', 'a2']);
    assert.deepEqual(
      site
        .report()
        .nodes.map(({ node }) => node)
        .toSorted(),
      ['a1', 'a2'],
    );
  });
});
