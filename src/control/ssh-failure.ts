import { KgetError } from '../base/error.ts';
import { describeEnd, quoted, type ProcessEnd } from './agent-process.ts';

/** ssh's own exit code for "could not connect"; others are those of the remote command. */
const SSH_FAILED = 255;

/** What ssh says on standard error, and what to tell the user. The first that matches counts. */
const KNOWN_FAILURES: readonly {
  readonly says: RegExp;
  readonly tell: (node: string) => { found: string; advice: string };
}[] = [
  {
    says: /REMOTE HOST IDENTIFICATION HAS CHANGED/,
    tell: (node) => ({
      found: 'its host key is not the one that is known',
      advice: `if the host was reinstalled, forget the old key with "ssh-keygen -R ${node}"`,
    }),
  },
  {
    says: /Host key verification failed|host key is known for/,
    tell: (node) => ({
      found: 'its host key is not known here',
      advice: `check and accept the key by running "ssh ${node} true" once`,
    }),
  },
  {
    says: /Permission denied \(|Too many authentication failures|No supported authentication/,
    tell: (node) => ({
      found: 'it does not let us in',
      advice: `a key or ticket must do without a password: try "ssh -o BatchMode=yes ${node} true"`,
    }),
  },
  {
    says: /Could not resolve hostname|Name or service not known/,
    tell: () => ({
      found: 'its name cannot be resolved',
      advice: 'check the node set, /etc/hosts, DNS and ~/.ssh/config',
    }),
  },
  {
    says: /Connection refused/,
    tell: () => ({
      found: 'the connection was refused',
      advice: 'check that sshd runs there and listens on the port that ssh uses',
    }),
  },
  {
    says: /timed out|No route to host|Network is unreachable|Host is down/i,
    tell: () => ({
      found: 'there is no way to it, or no answer',
      advice: 'check that the node is up and that no firewall is in between',
    }),
  },
  {
    says: /kex_exchange_identification|Connection (closed|reset)|banner exchange/,
    tell: () => ({
      found: 'it closed the connection before letting us in',
      advice:
        'sshd may refuse so many at once (MaxStartups): try again, or with a smaller --window',
    }),
  },
];

/** What is known about an ssh that ended before its agent was started. */
export interface SshEnd {
  readonly node: string;
  /** The program, as the user named it. */
  readonly program: string;
  readonly end: ProcessEnd;
  /** The end of its standard error. */
  readonly words: string;
  /** The last line of noise on standard output. */
  readonly noise: string;
}

/** The error that an ssh which ended too early stands for; its code is always `unreachable`. */
export function sshFailure({ node, program, end, words, noise }: SshEnd): KgetError {
  if (end.how === 'not-started') {
    return unreachable(node, {
      found: `the program "${program}" cannot be started: ${end.error.message}`,
      advice: 'install the OpenSSH client, or name another remote shell with --ssh',
      cause: end.error,
    });
  }
  // ssh reports with code 255; wrappers around it pass on its words, if not its code.
  const known = KNOWN_FAILURES.find(({ says }) => says.test(words));
  if (known !== undefined && (end.how !== 'exit' || end.code !== 0)) {
    const { found, advice } = known.tell(node);
    return unreachable(node, { found: `${found}${quoted(words)}`, advice });
  }
  const byItself = end.how === 'exit' && end.code === SSH_FAILED;
  return unreachable(node, {
    found: `${describeEnd(end)} before the agent was started${quoted(words || noise)}`,
    advice: byItself
      ? `try "${program} ${node} true"`
      : `check that the account may run commands: "${program} ${node} true"`,
  });
}

function unreachable(
  node: string,
  { found, advice, cause }: { found: string; advice: string; cause?: unknown },
): KgetError {
  return new KgetError('unreachable', `Cannot reach ${node}: ${found}; ${advice}`, { cause });
}
