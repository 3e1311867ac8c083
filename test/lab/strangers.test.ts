import assert from 'node:assert/strict';
import { spawnSync, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { outputOf, startGather } from '../../lab/gather.ts';
import type { Lab } from '../../lab/lab.ts';
import type { LabHost } from '../../lab/layout.ts';
import { processesIn } from '../../lab/processes.ts';
import { missingForLab } from '../../lab/requirements.ts';
import { startLab } from '../../lab/start.ts';
import { parseReport } from '../../src/report/json.ts';
import { incompressibleImage } from '../../src/samples/images.ts';

const missing = missingForLab();
const skip = missing.length > 0 && missing.join('; ');
const MiB = 1024 * 1024;
const ATTACKER = join(import.meta.dirname, '../strangers/attacker.ts');
/** How often new agents are looked for. */
const LOOK_MS = 50;
/** What an agent may have in memory, from what it measures: 84 MiB at most under this attack. */
const MAX_AGENT_BYTES = 160 * MiB;

void suite('strangers in the network', { skip, timeout: 240_000 }, () => {
  void test('`gather` is not disturbed by strangers that attack all of its agents', async () => {
    await using lab = await startLab({ nodes: 5, rate: '40mbit' });
    const nodes = lab.nodes.slice(0, 4);
    await Promise.all(
      nodes.map(({ labnode, name }) =>
        incompressibleImage(join(labnode, 'disk.img'), 6 * MiB, name),
      ),
    );
    const attack = startAttack(lab, lab.host('kn05'), [...nodes, lab.frontend]);
    const run = await startGather(lab, ['-w', 'kn[01-04]', '/labnode/disk.img']).ended;
    const { attacked, mostBytes } = await attack.stop();
    assert.equal(run.exitCode, 0, run.stderr);
    const report = parseReport({ text: run.report ?? '', file: 'report.json' });
    assert.ok(report.nodes.every((node) => node.state === 'released'));
    assert.deepEqual(report.failures, [], 'no transfer was disturbed');
    for (const { name, labnode } of nodes) {
      const copy = join(outputOf(lab), name, 'disk.img');
      assert.equal(spawnSync('cmp', [join(labnode, 'disk.img'), copy]).status, 0, copy);
    }
    assert.equal(attacked, 5, 'every agent was attacked');
    for (const { name } of nodes) {
      assert.match(run.stderr, new RegExp(`${name}: Refused a stranger`));
    }
    const refusals = run.stderr.split('\n').filter((line) => line.includes('Refused'));
    assert.ok(refusals.length <= 5 * 12 * 2, `${refusals.length} lines, at most 12 a minute each`);
    assert.ok(mostBytes < MAX_AGENT_BYTES, `an agent had ${Math.round(mostBytes / MiB)} MiB`);
  });
});

/** Lets `attacker` loose on the agents of the hosts, as soon as they are there. */
function startAttack(lab: Lab, attacker: LabHost, hosts: readonly LabHost[]) {
  const child: ChildProcess = lab.exec(attacker, [process.execPath, ATTACKER], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const attacked = new Set<string>();
  let mostBytes = 0;
  const over = new AbortController();

  async function look(): Promise<void> {
    while (!over.signal.aborted) {
      for (const { name, address, namespace } of hosts) {
        for (const pid of processesIn([namespace]).filter(isAgent)) {
          mostBytes = Math.max(mostBytes, highWaterBytes(pid));
          const port = attacked.has(name) ? undefined : listeningPort(pid);
          if (port === undefined) continue;
          attacked.add(name);
          child.stdin?.write(`${address} ${port}\n`);
        }
      }
      await delay(LOOK_MS);
    }
  }
  const looking = look();

  return {
    async stop() {
      over.abort();
      await looking;
      child.stdin?.end();
      return { attacked: attacked.size, mostBytes };
    },
  };
}

function isAgent(pid: number): boolean {
  const [, ...words] = contentOf(`/proc/${pid}/cmdline`).split('\0');
  return words.some((word) => /\/agent[^/]*\.cjs$/.test(word)) && !words.includes('-c');
}

/** The TCP port that the host of a process listens on, apart from its sshd's. */
function listeningPort(pid: number): number | undefined {
  const table = contentOf(`/proc/${pid}/net/tcp6`) + contentOf(`/proc/${pid}/net/tcp`);
  const ports = [...table.matchAll(/:([0-9A-F]{4}) \S+ 0A /g)].map(([, port = '']) =>
    Number.parseInt(port, 16),
  );
  return ports.find((port) => port > 1024);
}

/** The most memory that the process has had. */
function highWaterBytes(pid: number): number {
  const [, kibibytes = '0'] = /^VmHWM:\s+(\d+) kB$/m.exec(contentOf(`/proc/${pid}/status`)) ?? [];
  return Number(kibibytes) * 1024;
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
