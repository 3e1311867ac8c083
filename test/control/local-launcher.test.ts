import assert from 'node:assert/strict';
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { env } from 'node:process';
import { describe, it } from 'node:test';
import { AGENT_DIALECT, type AgentLauncher } from '../../src/control/channel.ts';
import type { AgentMessage, CoordinatorMessage } from '../../src/control/messages.ts';
import { localLauncher, type LocalLauncherOptions } from '../../src/control/local-launcher.ts';
import { hear } from './channel-contract.ts';
import { realClock } from './clocks.ts';
import { describeLauncher } from './launcher-contract.ts';
import { temporaryDirectory } from './temporary.ts';

const never = new AbortController().signal;
const agentFile = join(import.meta.dirname, 'fake-agent.cjs');

function local(
  mood?: string,
  options?: Partial<LocalLauncherOptions<CoordinatorMessage, AgentMessage>>,
): AgentLauncher {
  return localLauncher({
    agentFile,
    version: '1.2.3',
    dialect: AGENT_DIALECT,
    clock: realClock,
    placeOf: () => ({ env: { ...env, FAKE_AGENT: mood } }),
    ...options,
  });
}

describeLauncher('localLauncher', local);

void describe('localLauncher', () => {
  void it('`launch` starts the agent where it is told to', async () => {
    const cwd = realpathSync(temporaryDirectory());
    const agent = await local('', { placeOf: () => ({ cwd }) }).launch('node07', never);
    assert.equal(agent.address, '127.0.0.1');
    const { messages, ended } = hear(agent.channel);
    agent.channel.send({ type: 'ping' });
    agent.channel.send({ type: 'find', patterns: [] });
    agent.channel.send({ type: 'leave', emptySpool: false });
    assert.equal(await ended, undefined);
    assert.deepEqual(messages, [{ type: 'pong' }, { type: 'notice', text: cwd }, { type: 'left' }]);
  });
});
