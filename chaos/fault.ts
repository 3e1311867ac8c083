/** What is done to a running gather. Nodes are named `kn01`, …; durations are seconds. */
export type Fault = FaultPlace & {
  /** When it strikes: the part of the time that an undisturbed run would take, 0 to 1. */
  readonly moment: number;
  /** Which command it strikes: 1 is the gather, 2 the first one that goes on. */
  readonly command: 1 | 2;
};

type FaultPlace =
  /** SIGKILL for the agent of a node, or that of the frontend, or the command itself. */
  | { readonly kind: 'kill-agent'; readonly node: string }
  | { readonly kind: 'kill-receiver' }
  | { readonly kind: 'kill-coordinator' }
  /** SIGKILL for the processes of a node's sshd that have a session. */
  | { readonly kind: 'kill-sshd'; readonly node: string }
  /** A node's link is down for a while, or until the command has ended. */
  | { readonly kind: 'link-down'; readonly node: string; readonly seconds: number }
  | { readonly kind: 'link-gone'; readonly node: string }
  /** A node's link has 1 % of its rate for a while. */
  | { readonly kind: 'link-slow'; readonly node: string; readonly seconds: number }
  /** SIGSTOP, and SIGCONT after a while. */
  | { readonly kind: 'stop-agent'; readonly node: string; readonly seconds: number }
  | { readonly kind: 'stop-receiver'; readonly seconds: number }
  | { readonly kind: 'stop-coordinator'; readonly seconds: number }
  /** A small file system is filled up to this; it has room again when the command has ended. */
  | { readonly kind: 'full-spool'; readonly node: string; readonly freeBytes: number }
  | { readonly kind: 'full-target'; readonly freeBytes: number }
  /** The release command of some nodes fails the first time. */
  | { readonly kind: 'failing-hook'; readonly nodes: readonly string[] };

export type FaultKind = Fault['kind'];

/** All kinds, in the order of tables. */
export const FAULT_KINDS = [
  'kill-agent',
  'kill-receiver',
  'kill-coordinator',
  'kill-sshd',
  'link-down',
  'link-gone',
  'link-slow',
  'stop-agent',
  'stop-receiver',
  'stop-coordinator',
  'full-spool',
  'full-target',
  'failing-hook',
] as const satisfies readonly FaultKind[];

/** Whether the command that such a fault strikes cannot bring everything. */
export function endsCommand({ kind }: Fault): boolean {
  return kind === 'kill-receiver' || kind === 'kill-coordinator' || kind === 'full-target';
}

/** `link-down kn03 4.2 s`, without the moment. */
export function describeFault(fault: Fault): string {
  const node = 'node' in fault ? ` ${fault.node}` : '';
  const nodes = 'nodes' in fault ? ` ${fault.nodes.join(' ')}` : '';
  const seconds = 'seconds' in fault ? ` ${fault.seconds.toFixed(1)} s` : '';
  const free = 'freeBytes' in fault ? ` ${Math.round(fault.freeBytes / 1024)} KiB free` : '';
  return `${fault.kind}${node}${nodes}${seconds}${free}${fault.command === 2 ? ' (resumed)' : ''}`;
}
