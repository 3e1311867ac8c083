import { closeSync, fsyncSync, openSync } from 'node:fs';

/** Makes the names in a directory durable. @throws Error the system's */
export function syncNames(directory: string): void {
  const fd = openSync(directory, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
