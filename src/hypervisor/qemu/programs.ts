import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { KgetError, systemCode } from '../../base/error.ts';
import type { VmSpec } from '../vm-spec.ts';
import { acceleratorOf, type Accelerator } from './accelerator.ts';
import type { Clock } from '../../base/clock.ts';

const runFile = promisify(execFile);

/** For what only looks, makes an empty file, or punches holes. */
const PROGRAM_LIMIT_MS = 120_000;
const MAX_OUTPUT_BYTES = 64 * 2 ** 20;

/** The oldest that is tried: backups into raw files, exports and `blockdev-reopen` came before. */
const OLDEST_MAJOR = 6;

export interface ProgramOptions {
  readonly directory: string;
  readonly clock: Clock;
  readonly arch: VmSpec['arch'];
  /** Found out if it is not given. */
  readonly accelerator: Accelerator | undefined;
  /** The program that runs machines of this host's kind, e.g. `qemu-system-x86_64`. */
  readonly qemuSystem: string | undefined;
}

/** QEMU's programs on this host. */
export interface Programs {
  readonly arch: VmSpec['arch'];
  /** @throws KgetError `unreachable` if QEMU is not installed; `version` if it is too old */
  version(): Promise<string>;
  accelerator(arch: VmSpec['arch']): Promise<Accelerator>;
  system(arch: VmSpec['arch']): string;
  /** Runs qemu-img; what it says. @throws KgetError `internal`, `no-room`, `unreachable` */
  image(words: readonly string[]): Promise<string>;
  /** Runs commands of qemu-io on a raw file. @throws KgetError as `image` */
  discard(path: string, commands: readonly string[]): Promise<void>;
}

export function qemuPrograms(options: ProgramOptions): Programs {
  const { directory, clock, arch } = options;
  const system = (wanted: VmSpec['arch']): string =>
    wanted === arch && options.qemuSystem !== undefined
      ? options.qemuSystem
      : `qemu-system-${wanted}`;

  async function version(): Promise<string> {
    const package_ = arch === 'x86_64' ? 'qemu-system-x86' : 'qemu-system-arm';
    const text = await run(system(arch), ['--version'], package_);
    const found = /version (\d+)\.(\d+\S*)/.exec(text);
    const major = Number(found?.[1] ?? 0);
    if (major >= OLDEST_MAJOR) return `${major}.${found?.[2]}`;
    throw new KgetError(
      'version',
      `Cannot use ${system(arch)}: "${text.trim().slice(0, 100)}" found, ${OLDEST_MAJOR}.0 wanted`,
    );
  }
  return {
    arch,
    version,
    async accelerator(wanted) {
      // Nothing but emulation runs the code of another architecture.
      if (wanted !== arch) return 'tcg';
      if (options.accelerator !== undefined) return options.accelerator;
      return acceleratorOf({ directory, clock, arch, program: system(arch) });
    },
    system,
    image: async (words) => run('qemu-img', words, 'qemu-utils'),
    async discard(path, commands) {
      const words = ['-f', 'raw', '-d', 'unmap', path];
      await run('qemu-io', words, 'qemu-utils', `${commands.join('\n')}\n`);
    },
  };
}

async function run(
  program: string,
  words: readonly string[],
  owner: string,
  input = '',
): Promise<string> {
  try {
    const limits = { timeout: PROGRAM_LIMIT_MS, maxBuffer: MAX_OUTPUT_BYTES };
    const running = runFile(program, words, { ...limits, killSignal: 'SIGKILL' });
    // A program that ends early says why.
    running.child.stdin?.on('error', () => undefined).end(input);
    return (await running).stdout;
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') {
      const advice = `it is not installed; install it (Debian: ${owner})`;
      throw new KgetError('unreachable', `Cannot run ${program}: ${advice}`, { cause });
    }
    const found = cause instanceof Error ? cause.message.slice(0, 1000) : String(cause);
    const code = /No space left/.test(found) ? 'no-room' : 'internal';
    throw new KgetError(code, `Cannot run ${program}: ${found}`, { cause });
  }
}
