import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { confirmPrivate, makePrivate } from '../../src/content/private-directory.ts';

const OTHER = 54_321;
const skip = process.getuid?.() === 0 ? false : 'only root can give files away';
const top = mkdtempSync(join(tmpdir(), 'kgetplus-private-'));
after(() => rmSync(top, { recursive: true, force: true }));
let count = 0;

/** A directory of the test's own, that everybody may put things into. */
function shared(bits = 0o1777): string {
  count += 1;
  const path = join(top, String(count));
  mkdirSync(path);
  chmodSync(path, bits);
  return path;
}

function mode(path: string): number {
  return lstatSync(path).mode & 0o7777;
}

void describe('makePrivate', () => {
  void test('`makePrivate` makes what is missing for this user alone, and does so again', () => {
    const root = join(shared(), 'new', 'spool');
    for (let time = 0; time < 2; time += 1) {
      assert.equal(makePrivate(root, ['key', 'node']), join(root, 'key', 'node'));
    }
    const made = [root, join(root, 'key'), join(root, 'key', 'node')];
    assert.deepEqual(made.map(mode), [0o700, 0o700, 0o700]);
  });

  const plants: Record<string, readonly [(path: string) => void, RegExp]> = {
    'a symbolic link': [(path) => symlinkSync(top, path), /symbolic link/],
    'a symbolic link to nothing': [(path) => symlinkSync('nothing', path), /symbolic link/],
    'a file': [(path) => writeFileSync(path, ''), /no directory/],
    'a directory that all can write to': [plantMode(0o777), /mode 777, wanted 700/],
    'a directory that its group can write to': [plantMode(0o770), /mode 770/],
    'a directory that others can write to, and not read': [plantMode(0o702), /mode 702/],
  };
  for (const [name, [plant, message]] of Object.entries(plants)) {
    void test(`\`makePrivate\` refuses ${name}, wherever it lies`, () => {
      for (const names of [['key'], ['key', 'node']]) {
        const root = shared();
        const path = join(root, ...names);
        if (names.length > 1) makePrivate(root, ['key']);
        plant(path);
        assert.throws(() => makePrivate(root, ['key', 'node']), {
          code: 'target-unwritable',
          message,
        });
        assert.throws(() => confirmPrivate(path), { code: 'target-unwritable', message });
      }
    });
  }

  void test("`makePrivate` refuses somebody else's directory", { skip }, () => {
    const root = shared();
    const path = join(root, 'key');
    mkdirSync(path, { mode: 0o700 });
    chownSync(path, OTHER, OTHER);
    const message = /belongs to user 54321/;
    assert.throws(() => makePrivate(root, ['key', 'node']), { message });
    assert.deepEqual(readdirSync(path), [], 'nothing was put there');
  });

  void test('`makePrivate` refuses a root from which all can take away', () => {
    assert.throws(() => makePrivate(shared(0o777), ['key']), { message: /sticky/ });
    assert.equal(mode(makePrivate(shared(0o775), ['key'])), 0o700);
  });

  void test('`confirmPrivate` accepts what others can only read', () => {
    for (const readable of [0o700, 0o755, 0o750]) confirmPrivate(shared(readable));
  });
});

function plantMode(bits: number): (path: string) => void {
  return (path) => {
    mkdirSync(path);
    chmodSync(path, bits);
  };
}
