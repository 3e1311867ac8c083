import type { Socket } from 'node:net';
import { KgetError } from '../../base/error.ts';

/** Characters of answers that nobody has read; those that are used here have less than a hundred. */
const MAX_UNREAD_CHARACTERS = 65_536;

/** What a guest's agent says, line by line. */
export interface AgentLines {
  /** @throws KgetError `unreachable` once the agent's end of the socket is gone */
  next(): Promise<string>;
}

/** Reads lines from the socket of a guest agent; guests are not trusted, and say only so much. */
export function agentLines(socket: Socket, title: string): AgentLines {
  const lines: string[] = [];
  let rest = '';
  let unread = 0;
  let failure: KgetError | undefined;
  let wake = noOp;
  const fail = (found: string): void => {
    failure ??= new KgetError('unreachable', `Lost the guest agent of ${title}: ${found}`);
    wake();
  };
  socket.setEncoding('latin1');
  socket.on('error', (error) => fail(error.message)).on('close', () => fail('it hung up'));
  socket.on('data', (text: string) => {
    unread += text.length;
    if (unread > MAX_UNREAD_CHARACTERS) {
      socket.destroy();
      return;
    }
    // The byte 0xff, which ends what the agent said before, is part of no answer.
    const parts = `${rest}${text.replaceAll('\u00ff', '')}`.split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts.filter((line) => line.trim() !== ''));
    wake();
  });
  return {
    async next() {
      for (;;) {
        const line = lines.shift();
        if (line !== undefined) {
          unread = rest.length + lines.reduce((sum, it) => sum + it.length, 0);
          return line;
        }
        if (failure !== undefined) throw failure;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

function noOp(): void {}
