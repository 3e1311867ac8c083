import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { execPath } from 'node:process';
import { describe, test } from 'node:test';
import { bootstrapCommand } from '../../src/control/bootstrap.ts';
import { temporaryDirectory } from '../control/temporary.ts';

const AGENT = Buffer.from('console.log("the agent");\n');
const digest = createHash('sha256').update(AGENT).digest('hex');
const NAME = `agent-${digest}.cjs`;
/** As long as the agent. */
const EVIL = Buffer.from('console.log("an enemy");\n'.padEnd(AGENT.length, '\n'));
/** A user that is nobody here. */
const OTHER = 54_321;
const isRoot = process.getuid?.() === 0;
const skip = isRoot ? false : 'only root can give files away';

/** A home directory with a cache made beforehand; `file` is where the agent belongs. */
function home(prepare: (cache: string, file: string) => void) {
  const path = temporaryDirectory();
  const cache = join(path, '.cache', 'kgetplus');
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  prepare(cache, join(cache, NAME));
  return { path, cache, file: join(cache, NAME) };
}

/** What the bootstrap says, in the PATH of tools that is given. */
function start(path: string, tools = '/usr/bin:/bin') {
  const options = { agentDigest: digest, agentSizeBytes: AGENT.length, remoteNode: execPath };
  const env = { HOME: path, PATH: tools };
  const input = AGENT;
  const result = spawnSync('/bin/sh', ['-c', bootstrapCommand(options)], { input, env });
  return result.stdout.toString().trim().split('\n');
}

const SHIPPED = ['kgetplus need', 'kgetplus start', 'the agent'];

void describe('the bootstrap does not run what lies in its cache, but ships the agent, when it is', () => {
  const plants: Record<string, (cache: string, file: string) => void> = {
    'another file of the same size': (_, file) => writeFileSync(file, EVIL, { mode: 0o600 }),
    'a file that others can write': (_, file) => {
      writeFileSync(file, AGENT);
      chmodSync(file, 0o666);
    },
    'a symbolic link to another file': (cache, file) => {
      writeFileSync(join(cache, 'elsewhere'), EVIL);
      symlinkSync('elsewhere', file);
    },
    'a symbolic link to the agent': (cache, file) => {
      writeFileSync(join(cache, 'elsewhere'), AGENT);
      symlinkSync('elsewhere', file);
    },
    'a symbolic link to nothing': (cache, file) => symlinkSync(join(cache, 'nothing'), file),
    'a directory that Node.js would run': (_, file) => {
      mkdirSync(file);
      writeFileSync(join(file, 'index.js'), EVIL);
    },
  };
  for (const [name, plant] of Object.entries(plants)) {
    void test(name, () => {
      const { path, file } = home(plant);
      assert.deepEqual(start(path), SHIPPED);
      assert.ok(lstatSync(file).isFile());
      assert.deepEqual(readFileSync(file), AGENT);
      assert.equal(lstatSync(file).mode & 0o077, 0);
      assert.deepEqual(start(path), SHIPPED.slice(1), 'the next time it is there');
    });
  }

  void test("somebody else's file", { skip }, () => {
    const { path, file } = home((_, place) => {
      writeFileSync(place, AGENT, { mode: 0o644 });
      chownSync(place, OTHER, OTHER);
    });
    assert.deepEqual(start(path), SHIPPED);
    assert.equal(lstatSync(file).uid, process.getuid?.());
  });

  void test('a link to a file of the same name elsewhere, which stays as it is', () => {
    const { path } = home((cache, file) => {
      writeFileSync(join(cache, 'elsewhere'), EVIL, { mode: 0o600 });
      linkSync(join(cache, 'elsewhere'), file);
    });
    assert.deepEqual(start(path), SHIPPED);
    assert.deepEqual(readFileSync(join(path, '.cache/kgetplus/elsewhere')), EVIL);
  });
});

void describe('the bootstrap runs nothing from a cache', () => {
  void test('that others can write in', () => {
    for (const mode of [0o777, 0o1777, 0o770, 0o702]) {
      const { path, cache } = home((place, file) => {
        writeFileSync(file, AGENT, { mode: 0o600 });
        chmodSync(place, mode);
      });
      assert.deepEqual(start(path), [`kgetplus foreign ${cache}`]);
    }
  });

  void test("that is somebody else's", { skip }, () => {
    const { path, cache } = home((place) => chownSync(place, OTHER, OTHER));
    assert.deepEqual(start(path), [`kgetplus foreign ${cache}`]);
    assert.deepEqual(readdirSync(cache), []);
  });

  void test("that is a symbolic link to a place of somebody else's", { skip }, () => {
    const place = temporaryDirectory();
    chownSync(place, OTHER, OTHER);
    const path = temporaryDirectory();
    mkdirSync(join(path, '.cache'));
    symlinkSync(place, join(path, '.cache', 'kgetplus'));
    assert.deepEqual(start(path), [`kgetplus foreign ${join(path, '.cache', 'kgetplus')}`]);
  });
});

void test('the bootstrap finds a changed agent where there is no sha256sum', () => {
  const tools = temporaryDirectory();
  for (const tool of ['sh', 'id', 'ls', 'wc', 'mkdir', 'uname', 'rm', 'head', 'mv', 'find']) {
    const from = ['/bin', '/usr/bin'].map((place) => join(place, tool)).find(existsSync);
    symlinkSync(from ?? '', join(tools, tool));
  }
  const { path, file } = home((_, place) => writeFileSync(place, EVIL, { mode: 0o600 }));
  assert.deepEqual(start(path, tools), SHIPPED);
  assert.deepEqual(readFileSync(file), AGENT);
  assert.deepEqual(readdirSync(dirname(file)), [NAME]);
  assert.deepEqual(start(path, tools), SHIPPED.slice(1));
});
