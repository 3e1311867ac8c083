import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { type Extent, readExtents, runsOfExtents } from './extent-lines.ts';
import type { ChunkRun, ImageShape } from './image.ts';

/**
 * Node has no lseek(2). perl and python3 do, and nearly every host has one of them. Both programs
 * print `START END` in bytes for every extent of data, then `end`. 3 is SEEK_DATA, 4 is SEEK_HOLE,
 * and ENXIO (6) says that no data follows.
 */
const PERL = `
open(my $f, '<', $ARGV[0]) or exit 3;
my ($size, $at) = (-s $f, 0);
while ($at < $size) {
  my $data = sysseek($f, $at, 3);
  if (!defined $data) { last if $! + 0 == 6; exit 4; }
  my $hole = sysseek($f, $data, 4);
  exit 4 if !defined $hole;
  print $data + 0, ' ', $hole + 0, "\\n";
  $at = $hole;
}
print "end\\n";
`;

const PYTHON = `
import os, sys
f = os.open(sys.argv[1], os.O_RDONLY)
size, at = os.fstat(f).st_size, 0
while at < size:
    try:
        data = os.lseek(f, at, 3)
    except OSError as e:
        if e.errno == 6:
            break
        raise
    at = os.lseek(f, data, 4)
    print(data, at)
print("end")
`;

/** A program that lists extents, without the name of the file. */
export interface ExtentLister {
  readonly command: string;
  readonly args: readonly string[];
}

/** Tried in this order. */
export const EXTENT_LISTERS: readonly ExtentLister[] = [
  { command: 'perl', args: ['-e', PERL, '--'] },
  { command: 'python3', args: ['-c', PYTHON] },
];

/**
 * The runs of chunks of a file that may hold data, ascending, apart from each other; all other
 * chunks are holes. If nothing on this host can tell, everything that is not known is one run.
 * Memory is bounded however many extents there are.
 */
export async function* dataRuns(
  path: string,
  shape: ImageShape,
  options: { readonly signal: AbortSignal; readonly listers?: readonly ExtentLister[] },
): AsyncGenerator<ChunkRun, void, void> {
  const listers = options.listers ?? EXTENT_LISTERS;
  // Nothing is started before its extents are asked for.
  const lists = listers.map((lister) => listExtents(lister, path, options.signal));
  yield* runsOfExtents(lists, shape);
}

/** The extents that a program prints, and `end` if it has named all of them. */
async function* listExtents(
  lister: ExtentLister,
  path: string,
  signal: AbortSignal,
): AsyncGenerator<Extent | 'end', void, void> {
  const child = spawn(lister.command, [...lister.args, path], {
    stdio: ['ignore', 'pipe', 'ignore'],
    signal,
  });
  // A program that is not there, or was aborted, says no more: its output just ends.
  child.on('error', () => undefined);
  // It is missing when the process has no descriptor left.
  const output = child.stdout as Readable | undefined;
  if (output === undefined) return;
  output.setEncoding('utf8');
  try {
    yield* readExtents(output);
  } finally {
    child.kill();
  }
}
