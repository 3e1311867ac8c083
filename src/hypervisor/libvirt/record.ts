import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import { vmSpec } from '../vm-spec.ts';
import { element, elements, textOf, find, type XmlElement } from './xml.ts';

/** Names the element of ours in a domain's metadata. */
const RECORD_NAMESPACE = 'https://kgetplus.invalid/libvirt/1';

const ELEMENT = 'kgetplus:machine';

const record = z.object({
  /** Null for a domain that is not ours. */
  spec: z.nullable(vmSpec),
  /** It has run at least once. */
  started: z.boolean(),
  /** It waits for a migration, or for the end of one. */
  incoming: z.boolean(),
  /** Its disks are another host's, or may be: they are not ours to remove. */
  disksElsewhere: z.boolean(),
  /** Its disks lie over the files of a snapshot, not over the images that `spec` names. */
  restored: z.boolean(),
  /** The latest snapshot that is whole, and the checkpoint that was made with it. */
  snapshot: z.nullable(z.object({ directory: z.string(), checkpoint: z.string() })),
});

/** What is remembered of a machine; it lies in the metadata of its domain, as JSON. */
export type DomainRecord = Readonly<z.infer<typeof record>>;

export const EMPTY_RECORD: DomainRecord = {
  spec: null,
  started: false,
  incoming: false,
  disksElsewhere: false,
  restored: false,
  snapshot: null,
};

/** The record in a domain's XML; an empty one if there is none, or it makes no sense. */
export function readRecord(domain: XmlElement): DomainRecord {
  const ours = elements(find(domain, 'metadata')).find(({ attributes }) =>
    Object.entries(attributes).some(
      ([name, value]) => name.startsWith('xmlns') && value === RECORD_NAMESPACE,
    ),
  );
  if (ours === undefined) return EMPTY_RECORD;
  try {
    const parsed = z.safeParse(record, JSON.parse(textOf(ours)));
    return parsed.success ? parsed.data : EMPTY_RECORD;
  } catch {
    return EMPTY_RECORD;
  }
}

/** The element that goes into a domain's metadata. */
export function recordElement(text: DomainRecord): XmlElement {
  return element(ELEMENT, { 'xmlns:kgetplus': RECORD_NAMESPACE }, [JSON.stringify(text)]);
}

/** The words for virsh that put a record into a domain that is there. */
export function setRecordWords(name: string, content: DomainRecord): readonly string[] {
  // virsh wants the element without its prefix, which it makes from the key.
  const text = JSON.stringify(content).replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  const set = `<machine>${text}</machine>`;
  return ['metadata', name, RECORD_NAMESPACE, '--config', '--key', 'kgetplus', '--set', set];
}

/**
 * The identity of a machine's domain. It follows from the name, so that one that is migrated or
 * restored finds its place: libvirt wants the same on both sides.
 */
export function domainUuid(name: string): string {
  const hash = createHash('sha256').update(`${RECORD_NAMESPACE}/${name}`).digest('hex');
  // Version 8 (a form of one's own) and variant of RFC 9562.
  const [a, b, c, d] = [
    hash.slice(0, 8),
    hash.slice(8, 12),
    hash.slice(13, 16),
    hash.slice(17, 20),
  ];
  return `${a}-${b}-8${c}-8${d}-${hash.slice(20, 32)}`;
}
