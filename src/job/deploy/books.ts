import type { Failure } from '../../base/error.ts';
import type { DeployedFile } from '../../control/host-calls.ts';

/** What came of one node. */
export interface DeployedNode {
  readonly node: string;
  /** Bytes of frames that it got over the network, the last try of each file. */
  readonly wireBytes: number;
  /** From the start of the deployment until it had everything, verified and durable. */
  readonly seconds: number;
  /** Files that it had before. */
  readonly filesPresent: number;
  /** Why files are missing there. */
  readonly failure?: Failure;
}

/** What is known of nodes before files move. */
export interface FirstLook {
  /** By node, the files that it has; none for a node that did not answer. */
  readonly present: ReadonlyMap<string, ReadonlySet<string>>;
  /** Nodes that did not answer. */
  readonly lost: ReadonlyMap<string, Failure>;
}

export interface BooksOptions extends FirstLook {
  readonly nodes: readonly string[];
  readonly files: readonly DeployedFile[];
  /** Since the start. */
  elapsedSeconds(): number;
  /** A node has all files, or will not have them. */
  onSettled(node: DeployedNode): void;
}

/** Keeps account of what each node has. */
export interface Books {
  arrived(node: string, wireBytes: number): void;
  lost(node: string, failure: Failure): void;
  /** In the order of the nodes. */
  nodes(): DeployedNode[];
}

interface Book {
  readonly node: string;
  readonly filesPresent: number;
  /** Files that are neither there nor given up. */
  missing: number;
  wireBytes: number;
  seconds: number;
  failure: Failure | undefined;
}

export function openBooks(options: BooksOptions): Books {
  const { nodes, files, present, lost } = options;
  const books = new Map(
    nodes.map((node): [string, Book] => {
      const failure = lost.get(node);
      const filesPresent = present.get(node)?.size ?? 0;
      const missing = failure === undefined ? files.length - filesPresent : 0;
      return [node, { node, filesPresent, missing, wireBytes: 0, seconds: 0, failure }];
    }),
  );
  for (const book of books.values()) if (book.missing === 0) settle(book);

  function settle(book: Book): void {
    book.seconds = options.elapsedSeconds();
    options.onSettled(closed(book));
  }
  function note(node: string, change: (book: Book) => void): void {
    const book = books.get(node);
    if (book === undefined) return;
    change(book);
    book.missing -= 1;
    if (book.missing === 0) settle(book);
  }
  return {
    arrived(node, wireBytes) {
      note(node, (book) => {
        book.wireBytes += wireBytes;
      });
    },
    lost(node, failure) {
      note(node, (book) => {
        book.failure ??= failure;
      });
    },
    nodes: () => [...books.values()].map(closed),
  };
}

function closed({ node, filesPresent, wireBytes, seconds, failure }: Book): DeployedNode {
  return { node, filesPresent, wireBytes, seconds, ...(failure !== undefined && { failure }) };
}
