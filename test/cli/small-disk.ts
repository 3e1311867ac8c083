import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { getuid } from 'node:process';
import type { Site } from './site.ts';

/** Why no small file system can be made here; undefined if one can. */
export function noSmallDisk(): string | undefined {
  if (getuid?.() !== 0) return 'mounting a small file system needs root';
  const { status } = run(['unshare', '--mount', 'mount', '-t', 'tmpfs', 'none', '/mnt']);
  return status === 0 ? undefined : 'no file system may be mounted here';
}

/** Mounts a file system of this size in a site. */
export function smallDisk(site: Site, path: string, sizeBytes: number): string {
  mkdirSync(path, { recursive: true });
  const options = ['-t', 'tmpfs', '-o', `size=${sizeBytes}`];
  const { status, stderr } = run(['mount', ...options, 'kgetplus-test', path]);
  if (status !== 0) throw new Error(`cannot mount ${path}: ${stderr}`);
  site.atEnd(() => run(['umount', '--lazy', path]));
  return path;
}

function run(argv: readonly [string, ...string[]]) {
  const [program, ...words] = argv;
  return spawnSync(program, words, { encoding: 'utf8' });
}
