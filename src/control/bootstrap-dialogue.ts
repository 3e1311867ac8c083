import { KgetError } from '../base/error.ts';
import { quoted, type AgentProcess } from './agent-process.ts';
import { MIN_NODE_MAJOR } from './bootstrap.ts';
import type { FirstLines } from './first-lines.ts';
import { sshFailure } from './ssh-failure.ts';

/** What the bootstrap says begins with a mark; everything else is noise. */
const SAYING = /^kgetplus (\S+) ?(.*)$/;

export interface BootstrapDialogue {
  readonly node: string;
  /** The remote shell, for errors. */
  readonly program: string;
  readonly process: AgentProcess;
  readonly agent: Buffer;
  readonly lines: FirstLines;
}

/**
 * Follows what the bootstrap says on a node, and hands it the agent if it asks; resolves when the
 * agent is about to speak. Lines that are not the bootstrap's are skipped.
 * @throws KgetError `unreachable`, `no-node`, `no-room`, `target-unwritable`, `corrupt`, `protocol`
 */
export async function followBootstrap(dialogue: BootstrapDialogue): Promise<void> {
  const { node, program, process, agent, lines } = dialogue;
  let noise = '';
  let shipped = false;
  for (;;) {
    const line = await lines.next();
    if (line === undefined) {
      const end = await process.ended;
      throw sshFailure({ node, program, end, words: process.lastWords(), noise });
    }
    const [, word, details = ''] = SAYING.exec(line) ?? [];
    if (word === 'start') return;
    if (word === undefined) {
      noise = line.trim() || noise;
    } else if (word === 'need' && !shipped) {
      shipped = true;
      process.child.stdin.write(agent);
    } else {
      // What the shell and its tools complained about may come a moment later.
      await process.ended;
      throw refusal({ node, word, details, words: quoted(process.lastWords()) });
    }
  }
}

function refusal(facts: { node: string; word: string; details: string; words: string }): KgetError {
  const { node, word, details, words } = facts;
  const place = `in ${details} on ${node}`;
  switch (word) {
    case 'no-node':
      return noNode(node, details);
    case 'cache':
      return new KgetError(
        'target-unwritable',
        `Cannot keep the agent ${place}: the directory cannot be made or written${words}; ` +
          'make it writable, or set XDG_CACHE_HOME there to one that is',
      );
    case 'foreign':
      return new KgetError(
        'target-unwritable',
        `Cannot keep the agent ${place}: others can write in that directory, or it is somebody ` +
          `else's, so what would run from it cannot be trusted${words}; make it yours alone ` +
          '(chmod 700), or set XDG_CACHE_HOME there to a place that is',
      );
    case 'room':
      return new KgetError(
        'no-room',
        `Cannot keep the agent ${place}: writing it failed${words}; ` +
          'make room there (disk full or quota?), or set XDG_CACHE_HOME to a place with room',
      );
    case 'damaged':
      return new KgetError(
        'corrupt',
        `Cannot start the agent ${place}: it arrived with another digest than it was sent with; ` +
          'try again, and check what the start-up files of the shell there read from their input',
      );
    default:
      return new KgetError(
        'protocol',
        `Cannot start the agent on ${node}: its bootstrap said "${word}", which means nothing here`,
      );
  }
}

function noNode(node: string, details: string): KgetError {
  const [version = 'none', path = ''] = details.split(' ');
  const found = version === 'none' ? 'none was found' : `${path} is ${version}`;
  return new KgetError(
    'no-node',
    `Cannot start the agent on ${node}: Node.js ${MIN_NODE_MAJOR} or newer is wanted, ${found}; ` +
      'install it (e.g. "apt install nodejs" on Debian 13), ' +
      'or name its place with --remote-node PATH',
  );
}
