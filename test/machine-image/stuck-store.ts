/**
 * Begins to store an image, says so when some of it is stored, and waits to be killed:
 * `node stuck-store.ts STORE DISK BYTES`.
 */
import { systemClock } from '../../src/base/system-clock.ts';
import { storeImage } from '../../src/machine-image/store-image.ts';
import { storePlace } from '../../src/store/store-place.ts';

const [store = '', disk = '', bytes = '0'] = process.argv.slice(2);
await storeImage({
  place: storePlace(store),
  source: {
    name: 'tiny',
    arch: 'x86_64',
    format: 'raw',
    virtualSizeBytes: 1,
    boot: { kind: 'disk' },
    hasJobRunner: false,
    recipe: null,
    parts: [{ role: 'disk', path: disk }],
  },
  tags: [{ name: 'tiny', tag: 'latest' }],
  run: '20260131T120000Z-stuck0',
  startedAt: new Date('2026-01-31T12:00:00Z'),
  command: [],
  signal: new AbortController().signal,
  clock: systemClock,
  onProgress(doneBytes) {
    if (doneBytes < Number(bytes)) return;
    process.stdout.write('stuck\n');
    // Nothing else of this process goes on.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  },
});
