import type * as z from 'zod/mini';

type Schema = z.core.$ZodType;

/** What the definitions of zod's schemas may have; which of it is there follows from their type. */
interface Definition {
  readonly shape?: Readonly<Record<string, Schema>>;
  readonly element?: Schema;
  readonly valueType?: Schema;
  readonly innerType?: Schema;
  readonly in?: Schema;
  readonly options?: readonly Schema[];
}

/** All schemas that describe what is at a path: several behind a union. */
export function schemasAt(schema: Schema, path: readonly PropertyKey[]): readonly Schema[] {
  return path.reduce<readonly Schema[]>(
    (at, key) => at.flatMap(plainSchemas).flatMap((it) => childSchemas(it, key)),
    [schema],
  );
}

/** The keys that the objects among `schemas`, and in unions among them, have. */
export function keysOf(schemas: readonly Schema[]): readonly string[] {
  const plain = schemas.flatMap(plainSchemas);
  return [...new Set(plain.flatMap((it) => Object.keys(definitionOf(it).shape ?? {})))];
}

/** The options of a union, whatever it is wrapped in; none for other schemas. */
export function optionsOf(schema: Schema): readonly Schema[] {
  const { innerType, in: input, options } = definitionOf(schema);
  const inner = innerType ?? input;
  return inner === undefined ? (options ?? []) : optionsOf(inner);
}

/** Without defaults, optionality and transformations, and unions as their options. */
function plainSchemas(schema: Schema): readonly Schema[] {
  const { innerType, in: input, options } = definitionOf(schema);
  const inner = innerType ?? input;
  if (inner !== undefined) return plainSchemas(inner);
  return options?.flatMap(plainSchemas) ?? [schema];
}

function childSchemas(schema: Schema, key: PropertyKey): readonly Schema[] {
  const { shape, element, valueType } = definitionOf(schema);
  const child = shape?.[String(key)] ?? element ?? valueType;
  return child === undefined ? [] : [child];
}

function definitionOf(schema: Schema): Definition {
  return schema._zod.def as Definition;
}
