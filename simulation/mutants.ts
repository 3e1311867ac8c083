/** Faults that are planted into production code, to see that the simulation finds them. */
export interface Mutant {
  readonly name: string;
  readonly what: string;
  /** Below `src`. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

export const mutants: readonly Mutant[] = [
  {
    name: 'unsynced-copy',
    what: 'a copy counts before it is synced',
    file: 'content/paced-sync.ts',
    from: 'rethrow();\n      await syncNow();\n      rethrow();',
    to: 'rethrow();',
  },
  {
    name: 'unsynced-names',
    what: 'names are not synced',
    file: 'content/durable.ts',
    from: 'await syncFile(fd);',
    to: '',
  },
  {
    name: 'final-name-first',
    what: 'an image has its final name before it is complete',
    file: 'content/part-file.ts',
    from: 'return join(dirname(path), `.${basename(path)}.kgetplus-part`);',
    to: 'return path;',
  },
  {
    name: 'forgotten-retry',
    what: 'a transfer whose link broke is not tried again',
    file: 'coordinator/transfer-events.ts',
    from: "if (!run.over.aborted) run.feed({ type: 'failed', transfer: id, blame: 'link' });",
    to: '',
  },
  {
    name: 'reused-node',
    what: 'a released node is used again',
    file: 'planner/release.ts',
    from: "    leave(state, node, 'released');\n",
    to: '',
  },
  {
    name: 'last-chunk',
    what: 'the last chunk is left out',
    file: 'content/landing.ts',
    from: 'for (const at of chunk.positions) placer.write(at, chunk.digest, fetched);',
    to: `for (const at of chunk.positions) {
          if (at + 1 < chunkCountOf(shape)) placer.write(at, chunk.digest, fetched);
        }`,
  },
  {
    name: 'unverified-chunk',
    what: 'digests of chunks are not compared',
    file: 'content/landing.ts',
    from: 'if (!found.equals(chunk.digest)) {',
    to: 'if (found.length === 0) {',
  },
  {
    name: 'early-drop',
    what: 'a copy is dropped when it has arrived elsewhere, and is not durable there',
    file: 'coordinator/transfer-events.ts',
    from: "transfer.state = 'arrived';",
    to: `transfer.state = 'arrived';
  run.crew.send(transfer.from, { type: 'drop', image: transfer.image });`,
  },
  {
    name: 'one-sender-more',
    what: 'one sender more than allowed sends to the frontend',
    file: 'planner/state.ts',
    from: '    senders: options.senders,\n',
    to: '    senders: options.senders + 1,\n',
  },
  {
    name: 'part-of-failed-sync',
    what: 'a part is kept of which a sync has failed',
    file: 'content/file-landing.ts',
    from: 'wish.keepPart && !sync.hasFailed()',
    to: 'wish.keepPart',
  },
  {
    name: 'unsynced-chunks',
    what: 'chunks of a store are not synced before they have their names',
    file: 'store/chunk-writer.ts',
    from: `await syncTogether(
      directory,
      chunks.map(({ path }) => path),
    );`,
    to: '',
  },
  {
    name: 'index-first',
    what: 'a snapshot is there before its chunks are',
    file: 'store/publish-index.ts',
    from: 'await writer.commit();\n  renameSync(partPath, indexPath);',
    to: 'renameSync(partPath, indexPath);\n  await writer.commit();',
  },
  {
    name: 'torn-chunk',
    what: 'what a dead process has staged is taken over although it is not whole',
    file: 'store/staging.ts',
    from: 'const packed = readFileSync(path);',
    to: 'return readFileSync(path);\n    const packed = Buffer.alloc(0);',
  },
];

export function mutantNamed(name: string): Mutant {
  const mutant = mutants.find((it) => it.name === name);
  if (mutant !== undefined) return mutant;
  const known = mutants.map((it) => it.name).join(', ');
  throw new Error(`There is no mutant ${name}; there are: ${known}`);
}

/** The text of a file with the fault in it. @throws Error if the text is not as the mutant knows it */
export function applyMutant({ name, file, from, to }: Mutant, text: string): string {
  if (text.split(from).length === 2) return text.replace(from, () => to);
  throw new Error(`Mutant ${name} must be brought up to date: src/${file} has changed`);
}
