/** Manifests that tests change parts of. */
import type { ManifestFields, ManifestImage } from '../../src/catalogue/manifest.ts';

export function sampleImage(change: Partial<ManifestImage> = {}): ManifestImage {
  return {
    node: 'node01',
    path: '/var/lib/vm/disk.img',
    name: 'disk.img',
    sizeBytes: 8192,
    dataBytes: 4096,
    indexSha256: '0123456789abcdef'.repeat(4),
    wireBytes: 2000,
    chunks: 1,
    ...change,
  };
}

export function sampleManifest(change: Partial<ManifestFields> = {}): ManifestFields {
  return {
    run: '20260101T020000Z-aaaaaa',
    startedAt: '2026-01-01T02:00:00.000Z',
    endedAt: '2026-01-01T02:05:00.000Z',
    user: 'root',
    host: 'front',
    version: '0.1.0',
    command: ['kgetplus', 'gather'],
    tags: [],
    images: [],
    missing: [],
    ...change,
  };
}
