import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { makeSite } from './site.ts';

/** Command lines that are wrong, and what is said about them. */
const WRONG: readonly (readonly [string, readonly string[], RegExp])[] = [
  ['the node set is malformed', ['-w', 'n[1-', '/x', '--to', 'out'], /n\[1-[^]*\^/],
  ['a group is unknown', ['-w', '@nobody', '/x', '--to', 'out'], /"@nobody" is neither a group/],
  [
    'all nodes are excluded',
    ['-w', 'a', '-x', 'a', '/x', '--to', 'out'],
    /No node is left of -w a/,
  ],
  ['a node is called like us', ['-w', 'frontend', '/x', '--to', 'out'], /cannot be called/],
  ['a node is no name', ['-w', '..', '/x', '--to', 'out'], /".." cannot be a node's name/],
  ['no path is named', ['-w', 'a', '--to', 'out'], /name at least one path, or --vms/],
  ['no directory is named', ['-w', 'a', '/x'], /--to <dir>' not specified/],
  ['an option is unknown', ['-w', 'a', '/x', '--to', 'out', '--hops', '1'], /option '--hops'/],
  ['the goal is unknown', wrong('--objective', 'soon'), /wanted mean, or target:N%/],
  ['the goal is beyond all nodes', wrong('--objective', 'target:101%'), /at most 100/],
  ['there are no senders', wrong('--senders', '0'), /whole number from 1 to 1024/],
  ['the rate has no known unit', wrong('--bwlimit', '8 parsecs'), /wanted e.g. 80Mbit/],
  [
    'the chunks are no power of two',
    wrong('--chunk-size', '100K'),
    /power of two from 4KiB to 8MiB/,
  ],
  ['the hops are negative', wrong('--max-hops', '-1'), /whole number from 0 to 64/],
  ['a stall is none', wrong('--stall-timeout', '0.5s'), /"0.5s" as a time: wanted 1s to 1h/],
  ['minutes could be months', wrong('--agent-timeout', '2m'), /"2m" as a time: wanted 5s to 1h/],
  ['a run gets no time', wrong('--give-up-after', '60s'), /"60s" as a time: wanted 2min to 24h/],
  [
    'a run ends before its transfers',
    [...wrong('--give-up-after', '5min'), '--stall-timeout', '10min'],
    /--give-up-after 5min: wanted more than --stall-timeout 10min and --agent-timeout 30s/,
  ],
  ['there are no copies', wrong('--copies', '0'), /whole number from 1 to 8/],
  ['nobody is to be first', wrong('--first', 'b'), /--first b: it names none of the nodes/],
  ['nobody receives nothing', wrong('--no-receive', 'b'), /--no-receive b: it names none/],
  ['there is no topology', wrong('--topology', 'none'), /Cannot read --topology none: ENOENT/],
  ['a quote does not end', wrong('--ssh', "ssh -o 'x"), /a quote does not end/],
  [
    'two paths become one file',
    ['-w', 'a', '/x/disk.img', '/y/disk.img', '--to', 'out'],
    /\/x\/disk.img and \/y\/disk.img in one run: both would become NODE\/disk.img; gather them in/,
  ],
];

function wrong(option: string, value: string): readonly string[] {
  return ['-w', 'a', '/x', '--to', 'out', option, value];
}

void suite('wrong use', { concurrency: 2 }, () => {
  for (const [what, words, message] of WRONG) {
    void test(`\`gather\` exits with 2 and touches nothing when ${what}`, async () => {
      const site = makeSite();
      const { exitCode, stdout, stderr } = await site.run(['gather', ...words]);
      assert.equal(exitCode, 2, stderr);
      assert.match(stderr, message);
      assert.ok(stderr.split('\n').length < 8, `the message is lost in:\n${stderr}`);
      assert.equal(stdout, '');
      assert.equal(existsSync(join(site.root, 'out')), false);
    });
  }

  void test('`kgetplus` exits with 2 and names its commands when the command is unknown', async () => {
    const site = makeSite();
    const unknown = await site.run(['fetch']);
    assert.equal(unknown.exitCode, 2);
    assert.match(unknown.stderr, /unknown command 'fetch'[^]*--help/);
    const none = await site.run([]);
    assert.equal(none.exitCode, 2);
    assert.match(none.stderr, /gather [^]*demo [^]*restore /);
  });

  void test('`report` exits with 2 when there is no report', async () => {
    const site = makeSite();
    const { exitCode, stderr } = await site.run(['report', site.root]);
    assert.equal(exitCode, 2);
    assert.match(stderr, /no such file.*name the directory of a gather or a JSON report/);
  });

  void test('`report` exits with 5 when the file is none', async () => {
    const site = makeSite();
    const file = join(site.root, 'report.json');
    writeFileSync(file, '{"schema": "something/1"}');
    const { exitCode, stderr } = await site.run(['report', file]);
    assert.notEqual(exitCode, 0);
    assert.match(stderr, /"something\/1" found, wanted "kgetplus.report\/1"/);
  });

  for (const command of [[], ['gather'], ['demo'], ['report'], ['simulate']]) {
    const name = ['kgetplus', ...command].join(' ');
    void test(`\`${name} --help\` shows examples`, async () => {
      const { exitCode, stdout, stderr } = await makeSite().run([...command, '--help']);
      assert.equal(exitCode, 0);
      assert.equal(stderr, '');
      assert.match(stdout, new RegExp(`Examples:\\n  ${name}`));
      assert.doesNotMatch(stdout, /default: (\{|\d{6})/, 'defaults are shown as they are written');
    });
  }
});
