import { spawnSync } from 'node:child_process';

import { findTool } from './tools.ts';

/** The tools that a lab runs, with the Debian packages that bring them. */
const TOOLS: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  tc: 'iproute2',
  ethtool: 'ethtool',
  sshd: 'openssh-server',
  ssh: 'openssh-client',
  'ssh-keygen': 'openssh-client',
  unshare: 'util-linux',
  mount: 'mount',
};

/** What keeps a lab from being brought up here, in words; nothing if all is well. */
export function missingForLab(): string[] {
  if (process.platform !== 'linux') return [`labs need Linux, this is ${process.platform}`];
  const missing = missingTools();
  if (process.getuid?.() !== 0) missing.unshift('labs need root');
  return missing.length > 0 ? missing : refusedNamespaces();
}

function missingTools(): string[] {
  const tools = Object.keys(TOOLS).filter((tool) => findTool(tool) === undefined);
  if (tools.length === 0) return [];
  const packages = new Set(tools.map((tool) => TOOLS[tool]));
  return [`${tools.join(', ')} not found: apt-get install ${[...packages].join(' ')}`];
}

/** Containers often let their root make no namespaces: one is tried that ends with its process. */
function refusedNamespaces(): string[] {
  const argv = ['--net', '--uts', '--mount', 'true'];
  const tried = spawnSync(findTool('unshare') ?? 'unshare', argv, { encoding: 'utf8' });
  if (tried.status === 0) return [];
  return [`namespaces are refused: ${tried.stderr.trim() || `exit code ${tried.status}`}`];
}
