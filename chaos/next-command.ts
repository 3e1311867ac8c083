import type { CommandEnd } from './command.ts';
import { HOOK } from './hook.ts';
import { IMAGES } from './images.ts';
import type { Field } from './round.ts';
import type { Scenario } from './scenario.ts';

const TARGET = '/labnode/out';

/**
 * The words of the next command, as a user would choose them by what the last one said; undefined
 * when there is nothing more to do.
 */
export function nextCommand(
  field: Field,
  scenario: Scenario,
  commands: readonly CommandEnd[],
): readonly string[] | undefined {
  const nodes = field.lab.nodes.map((node) => node.name).join(',');
  const last = commands.at(-1);
  if (last === undefined) return gatherWords(field, scenario, nodes);
  if (last.exitCode === 0) return undefined;
  if (last.words[0] === 'resume' && /Nothing to resume/.test(last.stderr)) {
    return /: run \S+ ended/.test(last.stderr) ? undefined : gatherWords(field, scenario, nodes);
  }
  return field.hasResume ? ['resume', TARGET] : gatherWords(field, scenario, nodes);
}

function gatherWords(field: Field, scenario: Scenario, nodes: string): readonly string[] {
  // Nobody waits for half a minute for a host that is gone.
  const ssh = `ssh -F ${field.lab.sshConfig} -o ConnectTimeout=5`;
  const where = ['gather', '-w', nodes, `${IMAGES}/*.img`, '--to', TARGET, '--ssh', ssh];
  const how = ['--layout', scenario.layout, '--copies', String(scenario.copies)];
  return [...where, ...how, '--on-release', HOOK, ...field.gatherWords];
}
