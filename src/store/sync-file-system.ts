import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';

/** Files that are synced one by one at the same time, where there is no other way. */
const SYNCED_AT_ONCE = 4;

/**
 * Makes files and the names in directories durable. Many small files of one file system: as one
 * syncfs(2), by coreutils' `sync --file-system`, since Node has no such call; where that is missing,
 * one by one. @throws Error the system's, or what `sync` said
 */
export async function syncTogether(directory: string, paths: readonly string[]): Promise<void> {
  if (paths.length === 0) return;
  const failure = await syncFileSystem(directory);
  if (failure === undefined) return;
  let next = 0;
  const workers = Array.from({ length: SYNCED_AT_ONCE }, async () => {
    for (let path = paths[next]; path !== undefined; path = paths[next]) {
      next += 1;
      await using file = await open(path, 'r');
      await file.sync();
    }
  });
  await Promise.all(workers);
}

/** Why it did not work, if it did not. */
async function syncFileSystem(directory: string): Promise<string | undefined> {
  const child = spawn('sync', ['--file-system', directory], { stdio: 'ignore' });
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    return code === 0 ? undefined : `sync ended with ${code}`;
  } catch (error) {
    return String(error);
  }
}
