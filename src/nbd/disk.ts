/**
 * What the server serves, as it sees it: disks that can be read, and a way to them by name. The
 * server counts the users of a disk; who implements the port need not.
 */

/** A disk that does not change. All calls may come at any time, also while others go on. */
export interface Disk {
  readonly sizeBytes: number;
  /**
   * The disk is read most cheaply in aligned pieces of so many bytes, e.g. those it is stored in. A
   * power of two from 512 B to 32 MiB.
   */
  readonly blockBytes: number;
  /**
   * The bytes from `offset` on, exactly `lengthBytes` of them, at least one. The range is always
   * inside the disk, and no longer than the larger of `blockBytes` and 1 MiB. Nobody may change
   * the buffer afterwards: it may be part of a cache, and the server hands it to the socket as it
   * is.
   * @throws any error: the client gets EIO, the server's `onNotice` the message, and the next call
   *   may succeed
   */
  read(offset: number, lengthBytes: number): Promise<Buffer>;
  /**
   * What the range consists of, ascending, without gaps or empty extents, exactly `lengthBytes`
   * long; neighbours may be alike. An extent that `isZero` reads as zeros; one that is not may be
   * anything. No data is read for it, and there are at most as many extents as blocks in the range,
   * which is inside the disk and at most 256 MiB long.
   * @throws any error, as `read`
   */
  extents(offset: number, lengthBytes: number): Promise<readonly Extent[]>;
  /** Called once, when the last user has left and no call is under way. */
  close(): Promise<void>;
}

/** Consecutive bytes that are alike. */
export interface Extent {
  readonly lengthBytes: number;
  readonly isZero: boolean;
}

/** The disks that there are. */
export interface Exports {
  /** In the order in which clients see them listed; may be another at each call. */
  names(): readonly string[];
  /** Whether clients must know the name of the disk that they want: none is told to them. */
  readonly areHidden?: boolean;
  /**
   * Opens the disk of this name for all who want it at the same time; `undefined` if there is none.
   * May be called again for a name whose disk is being closed.
   * @throws any error: the client is told that the export is unknown, `onNotice` gets the message
   */
  open(name: string): Promise<Disk | undefined>;
}
