/** Stands for `node:fs/promises` in simulated processes: see fs.ts. */
import {
  accessSync,
  closeSync,
  constants as fsConstants,
  fdatasyncSync,
  fsyncSync,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  type SimulatedStat,
  soon,
  SYNC_MS,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from './fs.ts';

export const constants = fsConstants;

/** What production code asks of a `FileHandle`. */
interface SimulatedHandle extends AsyncDisposable {
  readonly fd: number;
  writeFile(data: string | Uint8Array): Promise<void>;
  datasync(): Promise<void>;
  sync(): Promise<void>;
  stat(): Promise<SimulatedStat>;
  close(): Promise<void>;
}

export async function open(path: string, flags = 'r', mode = 0o666): Promise<SimulatedHandle> {
  const fd = await soon(() => openSync(path, flags, mode));
  const close = (): Promise<void> => soon(() => closeSync(fd));
  return {
    fd,
    async writeFile(data) {
      await soon(() => {
        const bytes = typeof data === 'string' ? Buffer.from(data) : data;
        for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done);
      });
    },
    datasync: () => soon(() => fdatasyncSync(fd), SYNC_MS),
    sync: () => soon(() => fsyncSync(fd), SYNC_MS),
    stat: () => soon(() => fstatSync(fd)),
    close,
    [Symbol.asyncDispose]: close,
  };
}

export const stat = (path: string) => soon(() => statSync(path));
export const lstat = (path: string) => stat(path);
export const access = (path: string) => soon(() => accessSync(path));
export const rename = (from: string, to: string) => soon(() => renameSync(from, to));
export const link = (from: string, to: string) => soon(() => linkSync(from, to));
export const unlink = (path: string) => soon(() => unlinkSync(path));
export const mkdir = (path: string, options = {}) => soon(() => mkdirSync(path, options));
export const rm = (path: string, options = {}) => soon(() => rmSync(path, options));
export const readdir = (path: string) => soon(() => readdirSync(path));
export const readFile = (path: string, encoding?: 'utf8') =>
  soon(() => readFileSync(path, encoding));
export const writeFile = (path: string, data: string | Uint8Array, options = {}) =>
  soon(() => writeFileSync(path, data, options));

export async function opendir(path: string) {
  const entries = await soon(() => readdirSync(path, { withFileTypes: true }));
  return {
    async *[Symbol.asyncIterator]() {
      yield* entries;
    },
    close: () => Promise.resolve(),
  };
}
