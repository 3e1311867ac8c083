import type { Clock } from '../../base/clock.ts';
import { type ErrorCode, KgetError } from '../../base/error.ts';
import { runProgram } from './run-program.ts';

/** For commands that libvirt answers at once; a busy host takes its time. */
const QUICK_LIMIT_MS = 60_000;

/** Characters of what virsh complains of that are told. */
const MAX_COMPLAINT = 1000;

export interface VirshOptions {
  readonly program: string;
  /** The URI of the daemon. */
  readonly connection: string;
  readonly clock: Clock;
}

/** What a command of virsh came to; `complaint` is what it said, without `error:`. */
export type VirshAnswer =
  | { readonly done: true; readonly output: string }
  | { readonly done: false; readonly complaint: string };

/** The daemon of one host, asked through virsh, which is started for each command. */
export interface Virsh {
  readonly connection: string;
  /** The command line for words, to be run by somebody else. */
  command(words: readonly string[]): readonly string[];
  /** @throws KgetError `unreachable`, `timeout`; all other refusals are answers */
  attempt(words: readonly string[], limitMs?: number): Promise<VirshAnswer>;
  /** @throws KgetError for whatever is refused: see `virshFailure` */
  run(words: readonly string[], limitMs?: number): Promise<string>;
}

/** Makes a `Virsh`; nothing is started or asked yet. */
export function virsh({ program, connection, clock }: VirshOptions): Virsh {
  const daemon = ['-q', '-c', connection];
  const attempt: Virsh['attempt'] = async (words, limitMs = QUICK_LIMIT_MS) => {
    const terms = { clock, limitMs };
    const end = await runProgram(program, [...daemon, ...words], terms);
    switch (end.kind) {
      case 'done':
        return { done: true, output: end.output };
      case 'missing':
        throw new KgetError(
          'unreachable',
          `Cannot ask libvirt: ${program} is not installed (Debian: libvirt-clients)`,
        );
      case 'late': {
        const limit = `no answer within ${limitMs / 1000} s`;
        const advice = 'look whether libvirtd hangs';
        const asked = `virsh ${words[0] ?? ''}`;
        throw new KgetError(
          'timeout',
          `Gave up on "${asked}" at ${connection}: ${limit}; ${advice}`,
        );
      }
      case 'failed': {
        const complaint = end.complaint.replace(/^error: /gm, '').slice(0, MAX_COMPLAINT);
        if (codeOf(complaint) === 'unreachable') throw virshFailure(words, complaint);
        return { done: false, complaint };
      }
    }
  };
  return {
    connection,
    command: (words) => [program, ...daemon, ...words],
    attempt,
    async run(words, limitMs) {
      const answer = await attempt(words, limitMs);
      if (answer.done) return answer.output;
      throw virshFailure(words, answer.complaint);
    },
  };
}

/** What libvirt's messages mean to us: the first that fits. They are those of libvirt 7 to 9. */
const MEANINGS: readonly (readonly [RegExp, ErrorCode])[] = [
  [/failed to get domain|Domain not found|no domain with matching/i, 'usage'],
  [/failed to connect to the hypervisor|unable to connect to server/i, 'unreachable'],
  [/authentication (failed|unavailable)|Permission denied.*libvirt-sock/i, 'unreachable'],
  [/No space left on device|Cannot allocate memory|Disk quota exceeded/i, 'no-room'],
  [/cannot set up guest memory/i, 'no-room'],
  [/Timed out during operation|cannot acquire state change lock/i, 'timeout'],
  [/domain is (not running|already active|already running)|already exists/i, 'usage'],
  [/Could not open|No such file or directory|Cannot access storage file/i, 'usage'],
];

function codeOf(complaint: string): ErrorCode {
  return MEANINGS.find(([words]) => words.test(complaint))?.[1] ?? 'internal';
}

/** The error that a refusal of libvirt stands for. */
export function virshFailure(words: readonly string[], complaint: string): KgetError {
  const found = complaint.replaceAll(/\s*\n\s*/g, '; ');
  const subject = words.slice(0, 2).join(' ');
  return new KgetError(codeOf(complaint), `Cannot do "virsh ${subject}": libvirt says: ${found}`);
}
