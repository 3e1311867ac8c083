import * as z from 'zod/mini';
import { KgetError } from '../base/error.ts';
import { parseNodeSet, type NodeSetOptions } from '../nodeset/node-set.ts';
import { inputsField } from './job-file-inputs.ts';
import {
  limitField,
  readAs,
  sizeField,
  textField,
  timeField,
  type Refusal,
} from './job-file-values.ts';
import type { JobEnding } from './job-spec.ts';

const MIB = 1024 ** 2;
const TIB = 1024 ** 4;
const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** Machines of one job. */
export const MAX_VMS = 10_000;

/** Less than that, no Linux boots. */
const MIN_MEMORY_BYTES = 32 * MIB;
const MAX_COMMAND_CHARACTERS = 65_536;
const MAX_VALUE_CHARACTERS = 65_536;
const MAX_VARIABLES = 1000;
const MAX_OUTPUTS = 1000;
const MAX_TIME_LIMIT_MS = 720 * HOUR_MS;

/** What reports call the host that gathers. */
const FRONTEND_NAME = 'frontend';

const NOTHING: JobEnding = { snapshot: 'none', keep: false };

/** Where paths and groups in a job file are looked up. */
export interface JobFileSurroundings {
  /** Of the job file: relative paths in it begin there. */
  readonly directory: string;
  readonly nodeSets: NodeSetOptions;
}

/** The fields of a job file; docs/jobs.md describes them. */
// oxlint-disable-next-line typescript/explicit-function-return-type
export function jobFields({ directory, nodeSets }: JobFileSurroundings) {
  return z.strictObject({
    name: textField(
      'up to 31 small letters, digits and -, beginning with a letter or digit',
      (text) => /^[a-z0-9][a-z0-9-]{0,30}$/.test(text),
    ),
    nodes: readAs((value) => readNodes(value, nodeSets)),
    'vms-per-node': z._default(count(MAX_VMS), 1),
    image: textField("an image's name, tag, or the beginning of its id", (text) =>
      /^[A-Za-z0-9][A-Za-z0-9._:-]{0,128}$/.test(text),
    ),
    hypervisor: z._default(z.enum(['qemu', 'libvirt']), 'qemu'),
    cpus: z._default(count(1024), 1),
    memory: z._default(sizeField({ from: MIN_MEMORY_BYTES, to: 16 * TIB }), 512 * MIB),
    network: z._default(z.enum(['none', 'user']), 'none'),
    inputs: z._default(inputsField(directory), []),
    command: textField(
      `a shell script, of at most ${MAX_COMMAND_CHARACTERS} characters and not empty`,
      (text) => text.trim() !== '' && text.length <= MAX_COMMAND_CHARACTERS && isText(text),
    ),
    environment: z._default(
      z.record(variableName, variableValue).check(limited(MAX_VARIABLES, 'variables')),
      {},
    ),
    outputs: z._default(z.array(output).check(z.maxLength(MAX_OUTPUTS)), []),
    'output-room': z._default(sizeField({ from: MIB, to: 16 * TIB }), 1024 * MIB),
    'time-limit': z._default(limitField({ from: SECOND_MS, to: MAX_TIME_LIMIT_MS }), null),
    'boot-limit': z._default(timeField({ from: SECOND_MS, to: 24 * HOUR_MS }), 3 * MINUTE_MS),
    'shutdown-limit': z._default(timeField({ from: SECOND_MS, to: HOUR_MS }), MINUTE_MS),
    'boot-from': z._default(z.enum(['cache', 'store']), 'cache'),
    'on-success': z._default(ending, NOTHING),
    'on-failure': z._default(ending, NOTHING),
  });
}

const ending = z.strictObject({
  snapshot: z._default(z.enum(['none', 'disk', 'memory']), 'none'),
  keep: z._default(z.boolean(), false),
});

const variableName = z
  .string()
  .check(
    z.regex(
      /^[A-Za-z_][A-Za-z0-9_]{0,254}$/,
      'a name of letters, digits and _ that does not begin with a digit',
    ),
  );

const variableValue = textField(
  `a text of at most ${MAX_VALUE_CHARACTERS} characters`,
  (text) => text.length <= MAX_VALUE_CHARACTERS && isText(text),
);

const output = textField(
  'a path or glob of one line, without .. and not beginning with -',
  (text) => /^(?!-)[^\p{Cc}]{1,4096}$/u.test(text) && !text.split('/').includes('..'),
);

function count(most: number): z.ZodMiniType<number> {
  const wanted = `a whole number from 1 to ${most}`;
  return readAs<number>((value) => {
    const isGood = typeof value === 'number' && Number.isInteger(value) && value >= 1;
    return isGood && value <= most ? value : { wanted };
  });
}

function limited(most: number, things: string): z.core.CheckFn<Record<string, unknown>> {
  return ({ value, issues }) => {
    const found = Object.keys(value).length;
    if (found <= most) return;
    const message = `at most ${most} ${things}, not ${found}`;
    issues.push({ code: 'custom', input: value, message });
  };
}

/** No byte that a shell cannot have in a text. */
function isText(text: string): boolean {
  return !text.includes('\0');
}

/** A node set, or a list of them. */
function readNodes(value: unknown, options: NodeSetOptions): readonly string[] | Refusal {
  const sets: readonly unknown[] = Array.isArray(value) ? value : [value];
  const nodes = new Set<string>();
  for (const set of sets) {
    if (typeof set !== 'string' || set.trim() === '') {
      return { wanted: 'a node set such as "node[01-04]", in quotes, or a list of them' };
    }
    try {
      for (const node of parseNodeSet(set, options)) nodes.add(node);
    } catch (error) {
      if (!(error instanceof KgetError)) throw error;
      const [first = ''] = error.message.split('\n');
      return { wanted: `a node set such as node[01-04]: ${first}` };
    }
    if (nodes.has(FRONTEND_NAME)) {
      return { wanted: `nodes that are not called "${FRONTEND_NAME}": name it by its address` };
    }
  }
  return nodes.size > 0 ? [...nodes] : { wanted: 'a node set with a node in it' };
}
