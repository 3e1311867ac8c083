import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { KgetError } from '../base/error.ts';
import { makeDirectories } from '../content/directories.ts';

/** Writes a report; nobody sees it half written. @throws KgetError `target-unwritable` */
export function writeReportFile(path: string, text: string): void {
  const temporary = `${path}.tmp`;
  try {
    makeDirectories(dirname(path));
    writeFileSync(temporary, text);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    const found = error instanceof Error ? error.message : String(error);
    throw new KgetError('target-unwritable', `Cannot write the report ${path}: ${found}`, {
      cause: error,
    });
  }
}
