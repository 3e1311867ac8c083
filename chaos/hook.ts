import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Lab } from '../lab/lab.ts';
import type { SourceImage } from './images.ts';
import { placesOf } from './places.ts';
import type { Scenario } from './scenario.ts';

const POLL_MS = 20;
/** An image may move on while its places are looked at. */
const LOOKS = 4;

/** The release command, as the frontend sees it: `{node}` is the word that it gets. */
export const HOOK = 'sh /labnode/hook.sh {node}';

/** Says in a log that it runs, and how that ends; fails where a file says so, once. */
const HOOK_SCRIPT = `# hook.sh NODE
say() { echo "$1 $(date +%s.%N) $2" >>/labnode/hook.log; }
say run "$1"
if rm "/labnode/hook-fails/$1" 2>/dev/null; then say failed "$1"; exit 7; fi
say ok "$1"
`;

/** A line of the hook's log. */
export interface HookEvent {
  readonly word: 'run' | 'failed' | 'ok';
  readonly node: string;
  readonly atMs: number;
}

/** What the hook's log says so far. */
export function readHookLog(lab: Lab): readonly HookEvent[] {
  return textOf(join(lab.frontend.labnode, 'hook.log'))
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const [word = '', seconds = '', node = ''] = line.split(' ');
      return { word: word as HookEvent['word'], node, atMs: Number(seconds) * 1000 };
    });
}

/** Puts the release command in place. */
export function prepareHook(lab: Lab, scenario: Scenario): void {
  const { labnode } = lab.frontend;
  writeFileSync(join(labnode, 'hook.sh'), HOOK_SCRIPT);
  mkdirSync(join(labnode, 'hook-fails'));
  for (const fault of scenario.faults) {
    if (fault.kind !== 'failing-hook') continue;
    for (const node of fault.nodes) writeFileSync(join(labnode, 'hook-fails', node), '');
  }
}

/** A round that is watched; `end` resolves with what was wrong. */
export interface ReleaseWatch {
  /** Nodes that were given back so far: their links stay down. */
  readonly givenBack: ReadonlySet<string>;
  end(): Promise<readonly string[]>;
}

/**
 * Looks at each release, from outside, when its command runs: every image of the node must be on
 * the frontend or on as many other nodes as there must be copies. Nodes that are given back lose
 * their link.
 */
export function watchReleases(
  lab: Lab,
  scenario: Scenario,
  sources: readonly SourceImage[],
): ReleaseWatch {
  const problems: string[] = [];
  const givenBack = new Set<string>();
  const over = new AbortController();
  let seen = 0;

  async function look(): Promise<void> {
    const events = readHookLog(lab).slice(seen);
    seen += events.length;
    for (const { word, node } of events) {
      if (word === 'run') problems.push(...(await notElsewhere(node)));
      if (word !== 'ok' || !scenario.givesBack) continue;
      givenBack.add(node);
      await lab.linkDown(lab.host(node));
    }
  }
  async function notElsewhere(node: string): Promise<readonly string[]> {
    const own = sources.filter((image) => image.node === node);
    let bad: readonly string[] = [];
    for (let looks = 0; looks < LOOKS; looks += 1) {
      bad = own.flatMap((image) => {
        const { onFrontend, spools } = placesOf(lab, image);
        const others = spools.filter((holder) => holder !== node);
        if (onFrontend || others.length >= scenario.copies) return [];
        return [`${node} was released while ${image.id} was only on ${others.join(' ') || 'it'}`];
      });
      if (bad.length === 0) break;
      await sleep(POLL_MS);
    }
    return bad;
  }
  async function watch(): Promise<void> {
    while (!over.signal.aborted) {
      await look();
      await sleep(POLL_MS);
    }
    await look();
  }
  const watching = watch();
  return {
    givenBack,
    async end() {
      over.abort();
      await watching;
      return problems;
    },
  };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
