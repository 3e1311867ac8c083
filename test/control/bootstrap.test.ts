import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { execPath } from 'node:process';
import { describe, it } from 'node:test';
import { bootstrapCommand } from '../../src/control/bootstrap.ts';
import { script, temporaryDirectory } from './temporary.ts';

const agent = Buffer.from('console.log(JSON.stringify({ args: process.argv.length }));\n');
const agentDigest = createHash('sha256').update(agent).digest('hex');
const agentName = `agent-${agentDigest}.cjs`;

interface Trial {
  readonly shell?: string;
  readonly home?: string;
  readonly remoteNode?: string;
  readonly input?: Buffer;
  readonly env?: Record<string, string>;
}

/** Runs the bootstrap as sshd would, by the login shell of a user, and returns what it said. */
function bootstrap({ shell = '/bin/sh', home = temporaryDirectory(), ...trial }: Trial) {
  const command = bootstrapCommand({
    agentDigest,
    agentSizeBytes: agent.length,
    remoteNode: trial.remoteNode ?? execPath,
  });
  const result = spawnSync(shell, ['-c', command], {
    input: trial.input ?? agent,
    env: { HOME: home, PATH: '/usr/bin:/bin', ...trial.env },
    encoding: 'utf8',
  });
  const cache = join(home, '.cache', 'kgetplus');
  const said = result.stdout.split('\n').slice(1, -1);
  return { said, status: result.status, cache, stderr: result.stderr };
}

const AGENT_SPEAKS = '{"args":2}';

void describe('bootstrapCommand', () => {
  for (const shell of ['sh', 'dash', 'bash', 'zsh', 'tcsh', 'fish']) {
    const path = ['/bin', '/usr/bin'].map((place) => join(place, shell)).find(existsSync);
    const skip = path === undefined ? `no ${shell} here` : false;
    void it(
      `\`bootstrapCommand\` ships and starts the agent when the login shell is ${shell}`,
      {
        skip,
      },
      () => {
        const home = temporaryDirectory();
        const first = bootstrap({ shell: path ?? '', home });
        assert.deepEqual(first.said, ['kgetplus need', 'kgetplus start', AGENT_SPEAKS]);
        assert.deepEqual(readdirSync(first.cache), [agentName]);
        assert.deepEqual(readFileSync(join(first.cache, agentName)), agent);
        const second = bootstrap({ shell: path ?? '', home, input: Buffer.alloc(0) });
        assert.deepEqual(second.said, ['kgetplus start', AGENT_SPEAKS]);
      },
    );
  }

  void it('`bootstrapCommand` ships the agent again when the cached one was changed', () => {
    const home = temporaryDirectory();
    const { cache } = bootstrap({ home });
    const changed = Buffer.from(agent).fill('#');
    writeFileSync(join(cache, agentName), changed);
    assert.deepEqual(bootstrap({ home }).said.slice(0, 1), ['kgetplus need']);
    assert.deepEqual(readFileSync(join(cache, agentName)), agent);
  });

  void it('`bootstrapCommand` uses XDG_CACHE_HOME when it is set, spaces and all', () => {
    const place = join(temporaryDirectory(), 'a  place');
    const { said } = bootstrap({ env: { XDG_CACHE_HOME: place } });
    assert.deepEqual(said, ['kgetplus need', 'kgetplus start', AGENT_SPEAKS]);
    assert.deepEqual(readdirSync(join(place, 'kgetplus')), [agentName]);
  });

  void it('`bootstrapCommand` says `damaged` and leaves nothing when the agent was cut short', () => {
    for (const input of [agent.subarray(0, 10), Buffer.from(agent).fill('#')]) {
      const { said, cache, status } = bootstrap({ input });
      assert.deepEqual(said, ['kgetplus need', `kgetplus damaged ${cache}`]);
      assert.deepEqual(readdirSync(cache), []);
      assert.equal(status, 7);
    }
  });

  void it('`bootstrapCommand` says `room` when the agent cannot be written', () => {
    const tools = temporaryDirectory();
    script(tools, { name: 'head', text: 'echo "head: No space left on device" >&2; exit 1' });
    const { said, cache, stderr } = bootstrap({ env: { PATH: `${tools}:/usr/bin:/bin` } });
    assert.deepEqual(said, ['kgetplus need', `kgetplus room ${cache}`]);
    assert.match(stderr, /No space left/);
    assert.deepEqual(readdirSync(cache), []);
  });

  void it('`bootstrapCommand` says `cache` when the directory cannot be made', () => {
    const home = temporaryDirectory();
    writeFileSync(join(home, '.cache'), 'in the way');
    const { said, cache } = bootstrap({ home });
    assert.deepEqual(said, [`kgetplus cache ${cache}`]);
  });

  void it('`bootstrapCommand` says `no-node none` when there is no Node.js', () => {
    const { said, status } = bootstrap({ remoteNode: '/nowhere/node' });
    assert.deepEqual(said, ['kgetplus no-node none']);
    assert.equal(status, 3);
  });

  void it('`bootstrapCommand` names the Node.js that it found when it is too old', () => {
    const old = script(temporaryDirectory(), { name: 'node', text: 'echo v18.20.4' });
    assert.deepEqual(bootstrap({ remoteNode: old }).said, [`kgetplus no-node v18.20.4 ${old}`]);
  });

  void it('`bootstrapCommand` takes `nodejs` when `node` is too old or something else', () => {
    const tools = temporaryDirectory();
    script(tools, { name: 'node', text: 'echo "packet radio"' });
    script(tools, { name: 'nodejs', text: `[ "$1" = --version ] || echo second; echo v20.0.0` });
    const command = bootstrapCommand({ agentDigest, agentSizeBytes: agent.length });
    const { stdout } = spawnSync('/bin/sh', ['-c', command], {
      input: agent,
      env: { HOME: temporaryDirectory(), PATH: `${tools}:/usr/bin:/bin` },
      encoding: 'utf8',
    });
    assert.equal(stdout, '\nkgetplus need\nkgetplus start\nsecond\nv20.0.0\n');
  });

  void it('`bootstrapCommand` removes old agents, and nothing else, when it ships a new one', () => {
    const home = temporaryDirectory();
    const cache = join(home, '.cache', 'kgetplus');
    mkdirSync(cache, { recursive: true });
    for (const name of ['agent-old.cjs', 'agent-young.cjs', 'other-old']) {
      writeFileSync(join(cache, name), '');
      if (name.endsWith('young.cjs')) continue;
      utimesSync(join(cache, name), new Date('2020-01-01'), new Date('2020-01-01'));
    }
    bootstrap({ home });
    assert.deepEqual(readdirSync(cache).sort(), [agentName, 'agent-young.cjs', 'other-old'].sort());
  });

  void it('`bootstrapCommand` refuses a path of Node.js when a shell would read more into it', () => {
    for (const remoteNode of ['', '~/node', 'a b', '$(id)', "'", '-e', 'node;id', '`id`', '!']) {
      assert.throws(() => bootstrapCommand({ agentDigest, agentSizeBytes: 1, remoteNode }), {
        code: 'usage',
      });
    }
    assert.ok(bootstrapCommand({ agentDigest, agentSizeBytes: 1, remoteNode: dirname(execPath) }));
  });
});
