import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { KgetError } from '../../src/base/error.ts';
import { parseRecipe } from '../../src/machine-image/build/recipe.ts';

const RECIPES = join(import.meta.dirname, '../../recipes');

function complaint(text: string): string {
  try {
    parseRecipe({ text, file: 'r.yaml' });
  } catch (error) {
    assert(error instanceof KgetError && error.code === 'usage', String(error));
    return error.message;
  }
  return assert.fail('no error');
}

void suite('parseRecipe', () => {
  void test('`parseRecipe` reads the shipped recipes', () => {
    const names = globSync('*/recipe.yaml', { cwd: RECIPES }).map((name) => {
      const file = join(RECIPES, name);
      return parseRecipe({ text: readFileSync(file, 'utf8'), file }).name;
    });
    assert.deepEqual(names.toSorted(), ['debian', 'tiny']);
  });

  void test('`parseRecipe` fills in the defaults', () => {
    assert.deepEqual(parseRecipe({ text: 'name: a\nfrom: {tar: b.tar}\n', file: 'r.yaml' }), {
      name: 'a',
      arch: 'x86_64',
      from: { tar: 'b.tar' },
      kernel: { 'debian-package': 'linux-image-cloud-amd64' },
      sizeBytes: 512 * 1024 ** 2,
      files: [],
      run: [],
      commandLine: '',
    });
  });

  const faults: readonly (readonly [string, string, RegExp])[] = [
    [
      'a key is misspelt',
      'name: a\nfrom: {busybox: true}\nsiez: 1G\n',
      /^r\.yaml:3:1: siez: .*size\?/,
    ],
    ['there is no source', 'name: a\n', /^r\.yaml:1:1: from: nothing found/],
    ['the source is unknown', 'name: a\nfrom:\n  docker: b\n', /^r\.yaml:2:1: from: .*busybox/],
    [
      'two sources are named',
      'name: a\nfrom:\n  tar: b\n  directory: c\n',
      /^r\.yaml:[34]:3: from/,
    ],
    [
      'the size is none',
      'name: a\nfrom: {busybox: true}\nsize: big\n',
      /^r\.yaml:3:1: size: .*"big"/,
    ],
    [
      'the size is too small',
      'name: a\nfrom: {busybox: true}\nsize: 1M\n',
      /^r\.yaml:3:1: size: 1M found/,
    ],
    [
      'commands are run in no Debian',
      'name: a\nfrom: {busybox: true}\nrun: [ls]\n',
      /^r\.yaml:3:1: run/,
    ],
    ['a name is a path', 'name: ../a\nfrom: {busybox: true}\n', /^r\.yaml:1:1: name/],
    [
      'a file leaves the image',
      'name: a\nfrom: {busybox: true}\nfiles:\n  - from: b\n    to: /c/../../d\n',
      /^r\.yaml:5:5: files\[0\]\.to/,
    ],
    [
      'a package is an option',
      'name: a\nfrom:\n  debian:\n    suite: bookworm\n    packages:\n      - --hook=x\n',
      /^r\.yaml:6:9: from\.debian\.packages\[0\]/,
    ],
    [
      'a suite is an option',
      'name: a\nfrom:\n  debian:\n    suite: --mode=root\n',
      /^r\.yaml:4:5: from\.debian\.suite/,
    ],
  ];
  for (const [when, text, wanted] of faults) {
    void test(`\`parseRecipe\` refuses, with line and column, when ${when}`, () => {
      assert.match(complaint(text), wanted);
    });
  }
});
