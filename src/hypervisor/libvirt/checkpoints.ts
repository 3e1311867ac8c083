import type { DriverContext } from './context.ts';
import type { Domain } from './domains.ts';
import { domainDisks } from './domains.ts';
import { parseXml } from './parse-xml.ts';
import { elements, find } from './xml.ts';

/** What checkpoints of ours are called; all others are not ours to remove. */
const PREFIX = 'kgetplus-';

/** How many bytes of each disk were written since a checkpoint; empty if that is not known. */
export async function dirtySizes(
  { virsh }: DriverContext,
  domain: Domain,
  checkpoint: string,
): Promise<ReadonlyMap<string, number>> {
  const words = ['checkpoint-dumpxml', domain.name, checkpoint, '--size', '--no-domain'];
  const answer = await virsh.attempt(words);
  if (!answer.done) return new Map();
  const sizes = elements(find(parseXml(answer.output), 'disks'), 'disk').map(
    ({ attributes }) => [attributes['name'], attributes['size']] as const,
  );
  return new Map(
    domainDisks(domain).flatMap(({ name, target }) => {
      const size = sizes.find(([disk]) => disk === target)?.[1];
      return size === undefined ? [] : [[name, Number(size)] as const];
    }),
  );
}

/** Removes all checkpoints of ours but one, with their bitmaps as far as there are any. */
export async function dropCheckpoints(
  { virsh }: DriverContext,
  name: string,
  kept: string | null,
): Promise<void> {
  const listed = await virsh.run(['checkpoint-list', name, '--name', '--topological']);
  const names = listed.split('\n').map((line) => line.trim());
  for (const checkpoint of names.filter((it) => it.startsWith(PREFIX) && it !== kept)) {
    const answer = await virsh.attempt(['checkpoint-delete', name, checkpoint]);
    // Its bitmap is gone or broken: libvirt forgets it, at least.
    if (!answer.done) await virsh.attempt(['checkpoint-delete', name, checkpoint, '--metadata']);
  }
}
