import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { expandBraces, parseGlob } from '../../src/base/glob.ts';

function matches(pattern: string, name: string): boolean {
  const [segment] = parseGlob(pattern);
  if (segment?.kind === 'match') return segment.matches(name);
  return segment?.kind === 'name' && segment.name === name;
}

for (const [pattern, yes, no] of [
  ['*.img', ['a.img', '*.img'], ['.img', 'a.img.gz', '.a.img', 'aximg']],
  ['.*', ['.a'], ['a']],
  ['disk?', ['disk1', 'diskx'], ['disk', 'disk12']],
  ['d[0-3a]', ['d0', 'd3', 'da'], ['d4', 'd-', 'd']],
  ['d[!0-3]', ['d4', 'd^'], ['d1']],
  ['d[]x]', ['d]', 'dx'], ['d']],
  ['d[', ['d['], ['d']],
  ['a+(b)|c$*', ['a+(b)|c$', 'a+(b)|c$x'], ['aab']],
  [String.raw`\*\[x`, ['*[x'], ['a[x']],
  [String.raw`*\?`, ['a?'], ['ab']],
  ['*é?', ['aé💾'], ['aé']],
] as const) {
  void test(`\`parseGlob\` reads ${pattern} as a shell does`, () => {
    for (const name of yes) assert.ok(matches(pattern, name), name);
    for (const name of no) assert.ok(!matches(pattern, name), name);
  });
}

void test('`parseGlob` matches nothing when a range runs backwards', () => {
  assert.ok(!matches('d[9-0]*', 'd5'));
  assert.ok(!matches('d[9-0]*', 'd[9-0]*'));
});

void test('`parseGlob` takes any text', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(...'ab*?[]!^-\\{}/.&~'.split('')) }),
      (pattern) => {
        for (const segment of parseGlob(pattern)) {
          if (segment.kind === 'match') segment.matches('ab');
        }
      },
    ),
    { numRuns: 500 },
  );
});

void test('`parseGlob` matches names as a regular expression does', () => {
  const signs = fc.constantFrom(...'ab*?[]!^-.'.split(''));
  fc.assert(
    fc.property(
      fc.string({ unit: signs, maxLength: 8 }),
      fc.string({ unit: fc.constantFrom(...'ab-.]'.split('')), maxLength: 6 }),
      (pattern, name) => {
        const plain = pattern.replaceAll(/[[\]]/g, 'b');
        const source = plain
          .replaceAll(/[!^.-]/g, String.raw`\$&`)
          .replaceAll('?', '.')
          .replaceAll(/\*+/g, '.*');
        const isHidden = name.startsWith('.') && !plain.startsWith('.');
        const wanted = name !== '' && !isHidden && new RegExp(`^${source}$`, 's').test(name);
        // A pattern that is only dots and stars may mean directories.
        if (!/^(\.?|\*\*+)$/.test(plain)) assert.equal(name !== '' && matches(plain, name), wanted);
      },
    ),
    { numRuns: 2000 },
  );
});

void test('`parseGlob` matches at once when a pattern has many stars', () => {
  // As a regular expression it would try some 10^30 ways.
  assert.ok(!matches(`${'*a'.repeat(40)}*b`, 'a'.repeat(255)));
  assert.ok(matches(`${'*a'.repeat(40)}*b`, `${'a'.repeat(254)}b`));
});

for (const [pattern, expected] of [
  ['a', ['a']],
  ['{a,b}{1,2}', ['a1', 'a2', 'b1', 'b2']],
  ['x{a,b{c,d}}y', ['xay', 'xbcy', 'xbdy']],
  ['x{,y}', ['x', 'xy']],
  ['{a}', ['{a}']],
  ['{a,b', ['{a,b']],
  [String.raw`\{a,b}`, [String.raw`\{a,b}`]],
] as const) {
  void test(`\`expandBraces\` expands ${pattern} as bash does`, () => {
    assert.deepEqual(expandBraces(pattern), expected);
  });
}

void test('`expandBraces` throws `usage` when there are too many alternatives', () => {
  for (const pattern of ['{a,b}'.repeat(30), `{${','.repeat(2000)}}`, 'a'.repeat(20_000)]) {
    assert.throws(() => expandBraces(pattern), { code: 'usage' });
  }
});
