import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createFlowEngine } from '../../src/simulator/flow-engine.ts';
import { createResource, type Flow } from '../../src/simulator/flow.ts';

// SimGrid (https://simgrid.org) is a simulator of distributed systems whose flow model has been
// held up to real networks for twenty years; set to a plain fluid model it must agree with ours.

const PROGRAM = join(import.meta.dirname, 'simgrid-flows.py');

/** Debian's package is for the system's Python, which another one may hide. */
const PYTHON = ['python3', '/usr/bin/python3'].find(
  (python) => spawnSync(python, ['-c', 'import simgrid']).status === 0,
);
const skip =
  PYTHON === undefined
    ? 'SimGrid for Python is not installed (apt install python3-simgrid)'
    : false;

/** Of a flow's duration; the two were found to agree within 5e-6. */
const TOLERANCE = 1e-4;

const NODES_PER_RACK = 4;

/** What `simgrid-flows.py` reads. */
interface Platform {
  /** Bytes per second. */
  readonly links: readonly number[];
  readonly flows: readonly PlatformFlow[];
}

interface PlatformFlow {
  readonly startSeconds: number;
  readonly bytes: number;
  /** Places in `links`. */
  readonly links: readonly number[];
}

for (const [what, platforms] of [
  ['links and routes are any', meshes()],
  ['racks share uplinks', racks()],
] as const) {
  for (const [place, platform] of fc.sample(platforms, { seed: 2009, numRuns: 15 }).entries()) {
    void test(`flows are complete when SimGrid's are when ${what} (${place + 1})`, { skip }, () => {
      const theirs = completeInSimGrid(platform);
      const ours = completeHere(platform);
      for (const [number, { startSeconds }] of platform.flows.entries()) {
        const [actual = NaN, expected = NaN] = [ours[number], theirs[number]];
        const near = TOLERANCE * (expected - startSeconds);
        assert.ok(Math.abs(actual - expected) <= near, `${actual} is not ${expected}`);
      }
    });
  }
}

function completeInSimGrid(platform: Platform): readonly number[] {
  assert.ok(PYTHON !== undefined);
  const input = JSON.stringify(platform);
  const { status, stdout, stderr } = spawnSync(PYTHON, [PROGRAM], { input, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout) as number[];
}

function completeHere({ links, flows }: Platform): readonly number[] {
  const engine = createFlowEngine();
  const resources = links.map((rate) => createResource(rate));
  const completed = flows.map(() => NaN);
  const places = new Map<Flow, number>();

  function completeUntil(seconds: number): void {
    for (;;) {
      const next = engine.nextCompletion();
      if (next === undefined || next.seconds > seconds) break;
      engine.advance(next.seconds);
      completed[places.get(next.flow) ?? -1] = next.seconds;
      engine.end(next.flow);
    }
  }

  const inTime = [...flows.entries()].sort(
    ([, left], [, right]) => left.startSeconds - right.startSeconds,
  );
  for (const [place, { startSeconds, bytes, links: crossed }] of inTime) {
    completeUntil(startSeconds);
    engine.advance(startSeconds);
    const route = crossed.flatMap((link) => resources[link] ?? []);
    places.set(engine.start(route, bytes), place);
  }
  completeUntil(Infinity);
  return completed;
}

/** Up to a dozen links, flows over one to five of them. */
function meshes(): fc.Arbitrary<Platform> {
  return fc.array(rates(), { minLength: 2, maxLength: 12, size: 'max' }).chain((links) => {
    const place = fc.nat({ max: links.length - 1 });
    const crossed = fc.uniqueArray(place, { minLength: 1, maxLength: 5, size: 'max' });
    return fc.record({ links: fc.constant(links), flows: flowsOver(crossed) });
  });
}

/** Racks of four nodes; an uplink carries as much as one to four of them. */
function racks(): fc.Arbitrary<Platform> {
  const share = fc.integer({ min: 1, max: NODES_PER_RACK });
  return fc
    .record({
      rate: rates(),
      racks: fc.array(fc.record({ up: share, down: share }), { minLength: 2, maxLength: 5 }),
      flows: flowsOver(fc.tuple(fc.nat(), fc.nat())),
    })
    .map((drawn) => {
      const nodeCount = drawn.racks.length * NODES_PER_RACK;
      const flows = drawn.flows.map((flow) => {
        const [from, to] = flow.links;
        return { ...flow, links: rackRoute(from % nodeCount, to % nodeCount, drawn.racks.length) };
      });
      const nodes = Array<number>(2 * nodeCount).fill(drawn.rate);
      const uplinks = drawn.racks.flatMap(({ up, down }) => [up * drawn.rate, down * drawn.rate]);
      return { links: nodes.concat(uplinks), flows };
    });
}

/** Places of the links up and down of all nodes, then of all racks, node by node, rack by rack. */
function rackRoute(from: number, to: number, rackCount: number): number[] {
  const racksFrom = 2 * rackCount * NODES_PER_RACK;
  const [near, far] = [Math.floor(from / NODES_PER_RACK), Math.floor(to / NODES_PER_RACK)];
  const between = near === far ? [] : [racksFrom + 2 * near, racksFrom + 2 * far + 1];
  return [2 * from, ...between, 2 * to + 1];
}

function rates(): fc.Arbitrary<number> {
  return fc.integer({ min: 1_000_000, max: 100_000_000 });
}

/** Ten to sixty flows, some of which start at once. */
function flowsOver<Links>(
  links: fc.Arbitrary<Links>,
): fc.Arbitrary<{ startSeconds: number; bytes: number; links: Links }[]> {
  const startSeconds = fc.oneof(fc.constant(0), fc.double({ min: 0, max: 20, noNaN: true }));
  // Not less: SimGrid's clock has steps of a nanosecond.
  const bytes = fc.integer({ min: 10_000, max: 100_000_000 });
  const flow = fc.record({ startSeconds, bytes, links });
  return fc.array(flow, { minLength: 10, maxLength: 60, size: 'max' });
}
