import * as z from 'zod/mini';
import { ERROR_CODES } from '../base/error.ts';

/**
 * Calls and their results over a channel: for programs on nodes that do what they are told and
 * answer, without a mind of their own.
 */

/** What can be called, and what comes back. */
export type CallTable = Readonly<
  Record<string, { readonly request: z.ZodMiniType; readonly result: z.ZodMiniType }>
>;
export type RequestOf<T extends CallTable, Name extends keyof T> = z.infer<T[Name]['request']>;
export type ResultOf<T extends CallTable, Name extends keyof T> = z.infer<T[Name]['result']>;

/** Calls that one side may have under way; the other side takes no more of them, either. */
export const MAX_CALLS = 1024;

const MAX_TEXT_CHARACTERS = 4000;

/** What an error shows of a request or result that is none. */
export const MAX_SHOWN_CHARACTERS = 200;

const id = z.int().check(z.nonnegative());
const said = z.object({
  code: z.enum(ERROR_CODES),
  message: z.string().check(z.overwrite((words) => words.slice(0, MAX_TEXT_CHARACTERS))),
});

export const callMessage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('call'), id, name: z.string(), request: z.unknown() }),
  /** Stop what the call does; it still answers. */
  z.object({ type: z.literal('abort'), id }),
  z.object({ type: z.literal('ping') }),
  /** End in order. */
  z.object({ type: z.literal('leave') }),
]);

export const answerMessage = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('hello'),
    version: z.string(),
    nodeVersion: z.string(),
    address: z.nullable(z.string()),
  }),
  z.object({ type: z.literal('result'), id, result: z.unknown() }),
  z.object({ type: z.literal('failure'), id, failure: said }),
  z.object({ type: z.literal('pong') }),
  z.object({ type: z.literal('notice'), text: said.shape.message }),
]);

export type CallMessage = z.infer<typeof callMessage>;
export type AnswerMessage = z.infer<typeof answerMessage>;
