import { readFileSync } from 'node:fs';
import { arch, availableParallelism, freemem, totalmem } from 'node:os';

/** What a host is, as far as machines on it are concerned. */
export interface HostFacts {
  /** As machines have it: `x86_64`, `aarch64`. */
  readonly arch: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  /** Memory that can be had without swapping. */
  availableBytes(): number;
  /** Ids of processes whose command line names `path`. */
  processesOf(path: string): readonly number[];
}

/** Names of the same architectures in Node.js and in QEMU. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };

/** The facts of this host. */
export function readHostFacts(processesOf: HostFacts['processesOf']): HostFacts {
  return {
    arch: ARCHITECTURES[arch()] ?? arch(),
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
    availableBytes,
    processesOf,
  };
}

/** MemAvailable of proc_meminfo(5). */
function availableBytes(): number {
  const found = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'));
  return found === null ? freemem() : Number(found[1]) * 1024;
}
