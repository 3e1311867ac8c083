import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { KgetError, toFailure } from '../../base/error.ts';
import { readFully } from '../../content/file-bytes.ts';

/** A file that is looked into. */
export interface OpenedFile extends Disposable {
  readonly path: string;
  readonly sizeBytes: number;
  /** Fewer bytes than asked for only if the file ends before. */
  read(offset: number, length: number): Buffer;
}

/** @throws KgetError `source-unreadable` for what cannot be read or is no regular file */
export function openFile(path: string): OpenedFile {
  let fd: number;
  try {
    // Without O_NONBLOCK, opening a named pipe would wait for its writer.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw unreadable(path, toFailure(error).message, error);
  }
  const stat = fstatSync(fd);
  if (!stat.isFile()) {
    closeSync(fd);
    throw unreadable(path, 'found something else than a regular file');
  }
  return {
    path,
    sizeBytes: stat.size,
    read(offset, length) {
      const into = Buffer.alloc(length);
      try {
        return into.subarray(0, readFully(fd, into, { offset, length }));
      } catch (error) {
        throw unreadable(path, toFailure(error).message, error);
      }
    },
    [Symbol.dispose]: () => closeSync(fd),
  };
}

function unreadable(path: string, found: string, cause?: unknown): KgetError {
  return new KgetError('source-unreadable', `Cannot import ${path}: ${found}`, { cause });
}
