/** Frames that one image keeps in memory: what lies between two neighbours of a chain, and more. */
const KEPT_BYTES = 16 * 1024 * 1024;

/** The compressed frames of the chunks that came last, to be passed on as they are. */
export interface RecentFrames {
  /** Keeps a copy. */
  put(position: number, frame: Uint8Array): void;
  get(position: number): Uint8Array | undefined;
  clear(): void;
}

export function recentFrames(maxBytes = KEPT_BYTES): RecentFrames {
  /** The oldest comes first. */
  const frames = new Map<number, Uint8Array>();
  let bytes = 0;

  function drop(position: number): void {
    bytes -= frames.get(position)?.length ?? 0;
    frames.delete(position);
  }
  return {
    put(position, frame) {
      drop(position);
      frames.set(position, Uint8Array.from(frame));
      bytes += frame.length;
      for (const oldest of frames.keys()) {
        if (bytes <= maxBytes) break;
        drop(oldest);
      }
    },
    get: (position) => frames.get(position),
    clear() {
      frames.clear();
      bytes = 0;
    },
  };
}
