import { answerMessage, type AnswerMessage, type CallMessage } from './calls.ts';
import type { Dialect } from './channel.ts';

/** What is spoken with host agents: the calls of `host-calls.ts`. */
export const HOST_DIALECT: Dialect<CallMessage, AnswerMessage> = { answers: answerMessage };
