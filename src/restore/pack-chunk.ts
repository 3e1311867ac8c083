import * as zlib from 'node:zlib';

/** A zstd frame of `bytes`, made on the thread pool. */
export function packed(bytes: Buffer, level: number): Promise<Buffer> {
  const params = { [zlib.constants.ZSTD_c_compressionLevel]: level };
  return new Promise((resolve, reject) => {
    zlib.zstdCompress(bytes, { params }, (error, frame) => {
      if (error === null) resolve(frame);
      else reject(error);
    });
  });
}
