/**
 * A disk as an OCI image in a directory, as KubeVirt's containerDisk wants it: one layer, in which
 * `/disk` holds one file that the user 107 (qemu) may read. Sources: OCI image-spec v1
 * (image-layout.md, manifest.md, config.md, layer.md); KubeVirt user guide, "containerDisk".
 */
import { createHash } from 'node:crypto';
import { createWriteStream, renameSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { syncDirectory } from '../content/durable.ts';
import { TAR_END, tarHeader, tarPadding } from '../content/tar-header.ts';

const LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar+gzip';
const CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json';
const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json';

/** qemu, as KubeVirt runs it. */
const QEMU_USER = 107;

/** Zeros, of which disks are full, vanish at every level; higher ones cost much time. */
const GZIP_LEVEL = 1;

/** Bytes that wait between the steps. */
const BUFFERED_BYTES = 1024 * 1024;

export interface ContainerDisk {
  /** The name of the file in `/disk`, at most 90 bytes. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Exactly `sizeBytes`. */
  readonly bytes: AsyncIterable<Buffer>;
  /** As Go names it: `amd64`, `arm64`, … */
  readonly architecture: string;
  /** When the disk was as it is, ISO 8601. */
  readonly createdAt: string;
  /** How the image is called in the layout: the part after `oci:DIRECTORY:`. */
  readonly reference: string;
}

interface Blob {
  readonly digest: string;
  readonly size: number;
}

/**
 * Writes the image into `directory`, which is there and empty, durably. Equal disks make equal
 * files. @throws Error the system's; what `disk.bytes` throws
 */
export async function writeContainerDisk(directory: string, disk: ContainerDisk): Promise<void> {
  const blobs = join(directory, 'blobs', 'sha256');
  await mkdir(blobs, { recursive: true });
  const { layer, diffId } = await writeLayer(blobs, disk);
  const config = await writeBlob(blobs, {
    created: disk.createdAt,
    architecture: disk.architecture,
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: [diffId] },
    history: [{ created: disk.createdAt, created_by: 'kgetplus export' }],
  });
  const manifest = await writeBlob(blobs, {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: { mediaType: CONFIG_TYPE, ...config },
    layers: [{ mediaType: LAYER_TYPE, ...layer }],
  });
  const described = {
    mediaType: MANIFEST_TYPE,
    ...manifest,
    platform: { architecture: disk.architecture, os: 'linux' },
    annotations: { 'org.opencontainers.image.ref.name': disk.reference },
  };
  const index = { schemaVersion: 2, mediaType: INDEX_TYPE, manifests: [described] };
  await writeSynced(join(directory, 'index.json'), JSON.stringify(index));
  const layout = JSON.stringify({ imageLayoutVersion: '1.0.0' });
  await writeSynced(join(directory, 'oci-layout'), layout);
  for (const made of [blobs, join(directory, 'blobs'), directory]) await syncDirectory(made);
}

async function writeLayer(
  blobs: string,
  disk: ContainerDisk,
): Promise<{ readonly layer: Blob; readonly diffId: string }> {
  const plain = createHash('sha256');
  const packed = createHash('sha256');
  let size = 0;
  const path = join(blobs, 'layer');
  await pipeline(
    Readable.from(noting(tarOf(disk), plain), {
      objectMode: false,
      highWaterMark: BUFFERED_BYTES,
    }),
    createGzip({ level: GZIP_LEVEL, chunkSize: BUFFERED_BYTES }),
    async function* measure(source: AsyncIterable<Buffer>) {
      for await (const bytes of noting(source, packed)) {
        size += bytes.length;
        yield bytes;
      }
    },
    createWriteStream(path, { flags: 'wx', flush: true }),
  );
  const name = packed.digest('hex');
  renameSync(path, join(blobs, name));
  return { layer: { digest: `sha256:${name}`, size }, diffId: `sha256:${plain.digest('hex')}` };
}

async function* noting(
  source: AsyncIterable<Buffer>,
  hash: { update(bytes: Buffer): unknown },
): AsyncGenerator<Buffer, void, void> {
  for await (const bytes of source) {
    hash.update(bytes);
    yield bytes;
  }
}

async function* tarOf(disk: ContainerDisk): AsyncGenerator<Buffer, void, void> {
  const { sizeBytes } = disk;
  const owner = { owner: QEMU_USER, group: QEMU_USER };
  yield tarHeader({ name: 'disk/', mode: 0o555, ...owner, sizeBytes: 0 });
  yield tarHeader({ name: `disk/${disk.name}`, mode: 0o440, ...owner, sizeBytes });
  yield* disk.bytes;
  yield tarPadding(sizeBytes);
  yield TAR_END;
}

async function writeBlob(blobs: string, content: unknown): Promise<Blob> {
  const text = JSON.stringify(content);
  const name = createHash('sha256').update(text).digest('hex');
  await writeSynced(join(blobs, name), text);
  return { digest: `sha256:${name}`, size: Buffer.byteLength(text) };
}

async function writeSynced(path: string, text: string): Promise<void> {
  await using file = await open(path, 'wx', 0o644);
  await file.writeFile(text);
  await file.datasync();
}
