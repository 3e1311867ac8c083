import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { cacheStates, setCache, type CacheState } from './store-cache.ts';
import { KGETPLUS, latestOf } from './store-contenders.ts';
import { inTurn, placeOf, type ReadRound, type Setting } from './store-measure.ts';
import { costOf, startServer, type Command } from './store-process.ts';

/** Who serves an image over NBD. */
export type NbdSide = 'kgetplus' | 'qemu-nbd';

/** It allows eight connections; nbdcopy uses four where it may. */
const QEMU_NBD = 'qemu-nbd --read-only --format raw --persistent --shared 8'.split(' ');

/**
 * Reads the first node's image through each server, from beginning to end, by `nbdcopy`; what comes
 * is compared once. The second state of the images is in place.
 */
export async function measureNbd(
  setting: Setting,
  sides: readonly NbdSide[],
): Promise<ReadRound[]> {
  const results: ReadRound[] = [];
  for (let round = 1; round <= setting.rounds; round += 1) {
    for (const cache of cacheStates()) {
      for (const side of inTurn(sides, round)) {
        const result = await readOnce(setting, { side, cache, compare: round === 1 });
        results.push(result);
        setting.progress(`NBD, round ${round}: ${side} ${cache} ${result.seconds.toFixed(2)} s`);
      }
    }
  }
  return results;
}

async function readOnce(
  setting: Setting,
  { side, cache, compare }: { side: NbdSide; cache: CacheState; compare: boolean },
): Promise<ReadRound> {
  const [node = ''] = setting.images.nodes;
  const { store, images } = placeOf(setting, 'kgetplus');
  const image = join(images, node, 'disk.img');
  const socket = join(setting.work, 'nbd');
  const address = `nbd+unix:///?socket=${socket}`;
  const commands: Readonly<Record<NbdSide, Command>> = {
    kgetplus: {
      argv: [...KGETPLUS, 'serve', '--store', store, latestOf(node), '--socket', socket],
    },
    'qemu-nbd': {
      argv: [...QEMU_NBD, '--socket', socket, image],
    },
  };
  rmSync(socket, { force: true });
  const reads = { kgetplus: store, 'qemu-nbd': join(images, node) }[side];
  setCache(cache, [reads]);
  const server = await startServer(commands[side], socket);
  const cost = await costOf([{ argv: ['nbdcopy', address, 'null:'] }], setting.work);
  if (compare) {
    const target = join(setting.work, 'restored');
    await costOf([{ argv: ['nbdcopy', address, target] }], setting.work);
    execFileSync('cmp', [image, target]);
    rmSync(target);
  }
  const serverPeakBytes = await server.stop();
  return { side, cache, ...cost, serverPeakBytes };
}
