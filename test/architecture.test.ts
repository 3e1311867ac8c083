import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { suite, test } from 'node:test';

const SOURCE = join(import.meta.dirname, '../src');

/** What each part may import of the others; docs/architecture.md says why. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  base: [],
  nodeset: ['base'],
  samples: [],
  content: ['base'],
  planner: ['base'],
  simulator: ['base', 'planner'],
  transfer: ['base', 'content'],
  control: ['base'],
  source: ['base', 'content'],
  store: ['base', 'content'],
  catalogue: ['base', 'content', 'store'],
  upkeep: ['base', 'content', 'store', 'catalogue'],
  restore: ['base', 'content', 'store', 'catalogue'],
  nbd: ['base', 'content', 'store'],
  agent: ['base', 'content', 'store', 'transfer', 'control', 'source'],
  coordinator: ['base', 'planner', 'control'],
  report: ['base'],
  guest: ['base'],
  hypervisor: ['base', 'content'],
  'machine-image': ['base', 'content', 'guest', 'store', 'catalogue', 'restore', 'upkeep'],
  host: ['base', 'content', 'store', 'transfer', 'control', 'source', 'guest', 'hypervisor', 'nbd'],
  job: ['base', 'nodeset', 'content', 'control', 'guest', 'coordinator', 'machine-image'],
};

/** Puts the parts together. */
const ALL_ALLOWED = 'cli';

/** No I/O, no clock, no randomness: time and chance are arguments. */
const PURE = new Set(['base', 'nodeset', 'planner', 'simulator', 'report']);
const IMPURE_MODULES = /^node:(fs|net|tls|child_process|os|timers|worker_threads|dgram|http)/;
const IMPURE_CALLS = /\b(Date\.now|new Date\(\)|performance\.now|Math\.random|process\.)/;

/** The clock of the edge, handed to everything else as an argument. */
const EDGE = new Set(['base/system-clock.ts']);

/** Files of the agent's parts that it does not use. */
const NOT_BUNDLED = new Set(['transfer/identity.ts', 'base/parse-yaml.ts']);

interface SourceFile {
  readonly name: string;
  readonly part: string;
  readonly text: string;
  readonly imports: readonly string[];
}

const files = globSync('**/*.ts', { cwd: SOURCE }).map((name): SourceFile => {
  const text = readFileSync(join(SOURCE, name), 'utf8');
  const imports = [
    ...text.matchAll(/^(?:import|export)[^'"]*?from '([^']+)';|^import '([^']+)';/gms),
  ];
  return {
    name,
    part: name.split('/')[0] ?? '',
    text,
    imports: imports.map((match) => match[1] ?? match[2] ?? ''),
  };
});

void suite('the parts of src', () => {
  void test('every part imports only what it may', () => {
    assert.deepEqual(files.flatMap(forbiddenImports), []);
  });

  void test('the table of parts has just the parts that there are', () => {
    const parts = new Set(files.map((file) => file.part));
    assert.deepEqual([...parts].toSorted(), [...Object.keys(ALLOWED), ALL_ALLOWED].toSorted());
  });

  void test('pure parts do no I/O, read no clock and draw no randomness', () => {
    const pure = files.filter((file) => PURE.has(file.part) && !EDGE.has(file.name));
    const impure = pure.filter(
      (file) => IMPURE_CALLS.test(file.text) || file.imports.some((it) => IMPURE_MODULES.test(it)),
    );
    assert.deepEqual(
      impure.map((file) => file.name),
      [],
    );
  });

  void test('the agent gets by without packages that it does not need', () => {
    const parts = ALLOWED['agent'] ?? [];
    const packages = files
      .filter((file) => parts.includes(file.part) && !NOT_BUNDLED.has(file.name))
      .flatMap((file) => file.imports.filter((it) => !/^(node:|\.)/.test(it)));
    assert.deepEqual([...new Set(packages)], ['zod/mini']);
  });
});

function forbiddenImports({ name, part, imports }: SourceFile): string[] {
  if (part === ALL_ALLOWED) return [];
  const own = imports.filter((it) => it.startsWith('.'));
  return own
    .map((it) => relative(SOURCE, resolve(dirname(join(SOURCE, name)), it)).split('/')[0] ?? '')
    .filter((other) => other !== part && !(ALLOWED[part] ?? []).includes(other))
    .map((other) => `${name} imports ${other}`);
}
