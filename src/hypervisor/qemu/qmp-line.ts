import * as z from 'zod/mini';

/** Arguments of a command. */
export type Values = Readonly<Record<string, unknown>>;

export interface QmpEvent {
  readonly kind: 'event';
  readonly name: string;
  readonly data: Values;
}

export type QmpAnswer =
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'refusal'; readonly id: number; readonly reason: string };

/** What QEMU's monitor says in a line. */
export type QmpLine = { readonly kind: 'greeting' } | QmpEvent | QmpAnswer;

const values = z.record(z.string(), z.unknown());

const said = z.union([
  z.object({ QMP: values }),
  z.object({ event: z.string(), data: z._default(values, {}) }),
  z.object({ id: z.number(), error: z.object({ desc: z.string() }) }),
  z.object({ id: z.number(), return: z.unknown() }),
]);

/** The meaning of a line; undefined for what is of no use here. */
export function parseQmpLine(line: string): QmpLine | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const parsed = z.safeParse(said, value);
  if (!parsed.success) return undefined;
  const found = parsed.data;
  if ('QMP' in found) return { kind: 'greeting' };
  if ('event' in found) return { kind: 'event', name: found.event, data: found.data };
  if ('error' in found) return { kind: 'refusal', id: found.id, reason: found.error.desc };
  return { kind: 'answer', id: found.id, value: found.return };
}
