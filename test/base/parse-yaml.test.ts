import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { array, assert as assertProperty, constantFrom, oneof, property, string } from 'fast-check';
import * as z from 'zod/mini';
import { KgetError } from '../../src/base/error.ts';
import { parseYaml } from '../../src/base/parse-yaml.ts';

const fields = z.strictObject({
  name: z.string(),
  count: z._default(z.int().check(z.gte(1), z.lte(9)), 1),
  from: z.optional(
    z.union([z.strictObject({ tar: z.string() }), z.strictObject({ directory: z.string() })]),
  ),
  files: z._default(
    z.array(z.strictObject({ path: z.string(), mode: z.optional(z.string()) })),
    [],
  ),
  environment: z._default(
    z.record(z.string().check(z.regex(/^[A-Z]+$/, 'capital letters')), z.string()),
    {},
  ),
});

function parse(text: string): z.infer<typeof fields> {
  return parseYaml({ text, file: 'job.yaml' }, { title: 'job', fields }).value;
}

function complaint(text: string): string {
  try {
    parse(text);
  } catch (error) {
    assert(error instanceof KgetError, String(error));
    assert.equal(error.code, 'usage');
    return error.message;
  }
  return assert.fail('no error');
}

void suite('parseYaml', () => {
  void test('`parseYaml` gives the value with its defaults when all is well', () => {
    assert.deepEqual(parse('name: a # comment\nenvironment: {A: b}\n'), {
      name: 'a',
      count: 1,
      files: [],
      environment: { A: 'b' },
    });
  });

  const faults: readonly (readonly [string, string, string])[] = [
    ['a value of another type', 'name: 7\n', 'job.yaml:1:1: name: 7 found, wanted a string'],
    ['a key is missing', 'count: 2\n', 'job.yaml:1:1: name: nothing found, wanted a string'],
    [
      'a key is misspelt',
      'name: a\ncuont: 2\n',
      'job.yaml:2:1: cuont: there is no such key here: did you mean count?',
    ],
    [
      'a key is unknown, within a list',
      'name: a\nfiles:\n  - path: b\n    zzzzzz: c\n',
      'job.yaml:4:5: files[0].zzzzzz: there is no such key here, wanted path, mode',
    ],
    [
      'a number is too large',
      'name: a\ncount: 10\n',
      'job.yaml:2:1: count: 10 found, wanted at most 9',
    ],
    [
      'the chosen option of a union is faulty',
      'name: a\nfrom:\n  directory: [b]\n',
      'job.yaml:3:3: from.directory: a list found, wanted a string',
    ],
    [
      'no option of a union is chosen',
      'name: a\nfrom: 3\n',
      'job.yaml:2:1: from: 3 found, wanted a mapping with tar or directory',
    ],
    [
      'the name of a record is faulty',
      'name: a\nenvironment:\n  b: c\n',
      'job.yaml:3:3: environment.b: "c" found, wanted capital letters',
    ],
    ['the file is empty', '', 'job.yaml:1:1: null found, wanted a mapping'],
    [
      'an alias has no anchor',
      'name: *b\n',
      'job.yaml:1:1: cannot read it as a job: Unresolved alias',
    ],
  ];
  for (const [when, text, wanted] of faults) {
    void test(`\`parseYaml\` tells line and column when ${when}`, () => {
      const found = complaint(text);
      assert(found.startsWith(wanted), found);
    });
  }

  void test('`parseYaml` tells the line of a syntax error', () => {
    assert.match(complaint('name: a\n\tcount: 2\n'), /^job\.yaml:2:\d+: /);
    assert.match(complaint('name: a\nname: b\n'), /^job\.yaml:2:1: Map keys must be unique/);
  });

  void test('`parseYaml` tells every fault, up to a limit', () => {
    assert.equal(complaint('name: 1\ncount: a\n').split('\n').length, 2);
    const many = Array.from({ length: 30 }, (_, at) => `unknown${at}: 1\n`).join('');
    assert.match(complaint(`name: a\n${many}`), /\(and 10 more faults\)$/);
  });

  void test('`parseYaml` refuses a bomb of aliases, a huge file and a deep one', () => {
    const levels = Array.from({ length: 9 }, (_, at) => {
      const uses = Array.from({ length: 9 }, () => `*a${at}`).join(', ');
      return `a${at + 1}: &a${at + 1} [${uses}]`;
    });
    assert.match(complaint(`a0: &a0 [x]\n${levels.join('\n')}\n`), /[Ee]xcessive alias count/);
    assert.match(complaint(`name: ${'x'.repeat(2 ** 20)}`), /wanted at most 1048576/);
    complaint(`name: ${'['.repeat(400_000)}`);
    complaint(`name: ${'- '.repeat(400_000)}`);
  });

  void test('`parseYaml` throws nothing but `usage` when given any text', () => {
    const piece = constantFrom(
      'name: a\n',
      'files:\n',
      '  - ',
      'x: ',
      '*a ',
      '&a ',
      '{',
      '}',
      '? ',
      '|\n',
    );
    assertProperty(
      property(array(oneof(piece, string())), (pieces) => {
        try {
          parse(pieces.join(''));
        } catch (error) {
          assert(error instanceof KgetError && error.code === 'usage', String(error));
          assert.match(error.message, /^job\.yaml:\d+:\d+: /);
        }
      }),
    );
  });

  void test('`positionOf` points at the key, or at what is above it', () => {
    const text = 'name: a\nfiles:\n  - path: b\n  - path: c\n';
    const { positionOf } = parseYaml({ text, file: 'f' }, { title: 'job', fields });
    assert.equal(positionOf(['files', 1, 'path']), 'f:4:5');
    assert.equal(positionOf(['files', 1, 'mode']), 'f:4:5');
    assert.equal(positionOf(['count']), 'f:1:1');
  });
});
