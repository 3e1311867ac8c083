import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { KgetError } from '../../../src/base/error.ts';
import { deploy, type DeployNode, type DeployOptions } from '../../../src/job/deploy/deploy.ts';
import { realClock } from '../../control/clocks.ts';
import { fakeHost, type SomeHandlers } from '../fake-host.ts';

const FILE = { digest: 'a'.repeat(64), sizeBytes: 1000 };

/** How a node of a test behaves. */
type Fault = 'none' | 'has it' | 'no room' | 'bad link' | 'dead' | 'mute';

/** A file that flows between fake hosts: each has it when the one it asks has it. */
function cluster(faults: readonly Fault[]) {
  const asked: string[] = [];
  const has = new Map<string, PromiseWithResolvers<void>>();
  const stateOf = (name: string): PromiseWithResolvers<void> => {
    const known = has.get(name) ?? Promise.withResolvers<void>();
    has.set(name, known);
    return known;
  };
  stateOf('frontend').resolve();
  const hosts = new Map<string, DeployNode>();
  const dying = new Set<string>();

  function host(name: string, fault: Fault): DeployNode {
    if (fault === 'has it') stateOf(name).resolve();
    const handlers: SomeHandlers = {
      present: async () => {
        if (fault === 'mute') throw new KgetError('internal', 'no present');
        return { digests: fault === 'has it' ? [FILE.digest] : [] };
      },
      async fetch({ from }, signal) {
        asked.push(`${name} from ${from.node}`);
        if (fault === 'no room') throw new KgetError('no-room', `no room on ${name}`);
        if (fault === 'dead') {
          dying.add(name);
          hosts.get(name)?.caller.close();
        }
        if (dying.has(from.node) || faults[Number(from.node.slice(1))] === 'no room') {
          throw new KgetError('disconnected', `${from.node} hung up`);
        }
        const source = Number(from.node.slice(1));
        if (faults[source] === 'bad link') throw new KgetError('timeout', `${from.node} is silent`);
        const gone = new Promise<never>((_, reject) => {
          signal.addEventListener('abort', () => reject(new KgetError('cancelled', 'stopped')));
        });
        await Promise.race([stateOf(from.node).promise, gone]);
        stateOf(name).resolve();
        return { wireBytes: 1100, chunks: 1, wasPresent: false };
      },
    };
    const made = { ...fakeHost(name, handlers), node: name };
    hosts.set(name, made);
    return made;
  }
  const nodes = faults.map((fault, at) => host(`n${at}`, fault));
  const options: DeployOptions = {
    files: [FILE],
    frontend: host('frontend', 'none'),
    nodes,
    clock: realClock,
    signal: new AbortController().signal,
  };
  return { options, asked, hosts };
}

void suite('deploy', { timeout: 30_000 }, () => {
  void test('`deploy` has each node get the file from its neighbour', async () => {
    const { options, asked } = cluster(['none', 'none', 'none']);
    const report = await deploy(options);
    assert.deepEqual(asked.toSorted(), ['n0 from frontend', 'n1 from n0', 'n2 from n1']);
    assert.equal(report.frontendBytes, 1100);
    assert.deepEqual(
      report.nodes.map(({ node, wireBytes, failure }) => [node, wireBytes, failure]),
      [
        ['n0', 1100, undefined],
        ['n1', 1100, undefined],
        ['n2', 1100, undefined],
      ],
    );
  });

  void test('`deploy` moves nothing to nodes that have the file, and nothing from the frontend', async () => {
    const { options, asked } = cluster(['none', 'has it', 'none']);
    const report = await deploy(options);
    assert.deepEqual(asked.toSorted(), ['n0 from n1', 'n2 from n0']);
    assert.equal(report.frontendBytes, 0);
    assert.deepEqual(
      report.nodes.map(({ filesPresent }) => filesPresent),
      [0, 1, 0],
    );
  });

  void test('`deploy` goes round a node without room, and tells why it has nothing', async () => {
    const { options, asked } = cluster(['none', 'no room', 'none', 'none']);
    const relinked: string[] = [];
    const report = await deploy({
      ...options,
      observer: { relinked: (node, from) => relinked.push(`${node} not from ${from}`) },
    });
    assert.deepEqual(
      report.nodes.map(({ failure }) => failure?.code),
      [undefined, 'no-room', undefined, undefined],
    );
    assert.deepEqual(relinked, ['n2 not from n1']);
    assert.ok(asked.includes('n2 from n0') && asked.includes('n3 from n2'));
  });

  void test('`deploy` gives up a node whose agent dies, at the start, in the middle or at the end', async () => {
    for (const at of [0, 1, 2]) {
      const faults: Fault[] = ['none', 'none', 'none'];
      faults[at] = 'dead';
      const { options } = cluster(faults);
      const report = await deploy(options);
      assert.deepEqual(
        report.nodes.map(({ failure }) => failure?.code ?? 'has it'),
        faults.map((fault) => (fault === 'dead' ? 'disconnected' : 'has it')),
      );
    }
  });

  void test('`deploy` leaves out a node that does not even answer what it has', async () => {
    const { options, asked } = cluster(['none', 'mute', 'none']);
    const report = await deploy(options);
    assert.equal(report.nodes[1]?.failure?.message, 'no present');
    assert.deepEqual(asked.toSorted(), ['n0 from frontend', 'n2 from n0']);
  });

  void test('`deploy` reports all nodes and ends when the frontend is gone', async () => {
    const { options, hosts } = cluster(['none', 'none']);
    hosts.get('frontend')?.caller.close();
    const report = await deploy(options);
    for (const { failure } of report.nodes) assert.ok(failure);
    assert.match(report.nodes[0]?.failure?.message ?? '', /nobody that has it is left/);
  });

  void test('`deploy` stops all fetches when it is told to', async () => {
    const stop = new AbortController();
    const { options } = cluster(['none', 'none']);
    const frontend: DeployNode = { ...options.frontend, node: 'elsewhere' };
    // Nobody ever has the file: all wait for the frontend.
    const running = deploy({ ...options, frontend, signal: stop.signal });
    setImmediate(() => stop.abort());
    const report = await running;
    assert.deepEqual(
      report.nodes.map(({ failure }) => failure?.code),
      ['cancelled', 'cancelled'],
    );
  });

  void test('`deploy` refuses more files than nodes can pass on at once', async () => {
    const { options } = cluster(['none']);
    const files = Array.from({ length: 33 }, () => FILE);
    await assert.rejects(deploy({ ...options, files }), { code: 'usage', message: /33 files/ });
  });

  void test('`deploy` brings the file to every node that can have it, whatever the others do', async () => {
    const fault = fc.constantFrom<Fault>(
      'none',
      'none',
      'has it',
      'no room',
      'bad link',
      'dead',
      'mute',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fault, { maxLength: 6 }), async (faults) => {
        const { options, asked } = cluster(faults);
        const report = await deploy(options);
        const lasting = new Set<Fault>(['no room', 'dead', 'mute']);
        const left = report.nodes.map(({ failure }) => failure !== undefined);
        const expected = faults.map((it) => lasting.has(it));
        assert.deepEqual(left, expected);
        assert.ok(asked.length <= 8 * faults.length);
      }),
      { numRuns: 60 },
    );
  });
});
