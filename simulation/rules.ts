import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import type { RunReport } from '../src/report/record.ts';
import { type Cluster, SPOOL, TARGET } from './cluster.ts';
import type { DiskNode, FileNode } from './machine/disk.ts';
import type { Host } from './machine/process.ts';
import { type Fault, FRONTEND_HOST, type Scenario } from './scenario.ts';
import { leftInStore } from './store-leftovers.ts';
import { createStoreWatch } from './store-watch.ts';

/** An image, as the scenario made it. */
export interface TrueImage {
  readonly id: string;
  readonly node: string;
  readonly path: string;
  readonly bytes: Buffer;
}

/** A rule of docs/architecture.md that was broken. */
export interface Violation {
  readonly rule: number | 'end' | 'fault';
  readonly what: string;
}

/**
 * Watches over the rules that are never broken. It looks at disks and hosts, not at what programs say
 * or believe.
 */
export interface Rules {
  readonly violations: Violation[];
  broken(rule: Violation['rule'], what: string): void;
  /** Before a host with all its disk is gone for good by a fault, and after. */
  hostVanishes(host: Host): void;
  /** Before a copy is damaged by a fault. */
  copyDamaged(host: Host, image: TrueImage, file: FileNode): void;
  /** The release hook was called for a node. */
  givenBack(node: string): void;
  /** Checks what lies under final names; in a store perhaps only what has just got `path`. */
  checkNames(host: Host, path?: string): void;
  /** Checks that a run that ended well has left nothing behind on hosts that are there. */
  checkLeftovers(): void;
  /** Checks that no image has lost its last copy without a fault that destroyed it. */
  checkCopies(occasion: string): void;
  /** After the first run: checks that a fault of one node has not stopped the others. */
  checkOthers(hasEnded: boolean): void;
  /** Checks a report against the disks. */
  checkReport(report: RunReport): void;
  /** Checks that source files, and files of strangers, are as they were. */
  checkSources(): void;
  /** Images of which a fault destroyed the last good copy. */
  readonly doomed: ReadonlySet<string>;
  readonly images: readonly TrueImage[];
  isSafe(image: TrueImage): boolean;
  /** The complete copy of an image that a host keeps. */
  spooledFile(host: Host, image: TrueImage): FileNode | undefined;
  /** Hosts that are not gone, and that have a good copy that would survive a loss of power. */
  holdersOf(image: TrueImage): Host[];
}

export function createRules(scenario: Scenario, cluster: Cluster, gone: ReadonlySet<Host>): Rules {
  const violations: Violation[] = [];
  const doomed = new Set<string>();
  /** Files that a fault has damaged. */
  const damaged = new Set<DiskNode>();
  /** By image: hosts whose copies were destroyed by faults. */
  const ghosts = new Map<string, Set<string>>();
  const images = scenario.nodes.flatMap(({ name, images: own }) =>
    own.map(({ path, bytes }) => ({ id: `${name}:${path}`, node: name, path, bytes })),
  );
  const frontend = cluster.host(FRONTEND_HOST);
  const isStore = scenario.layout === 'store';
  const store = createStoreWatch(frontend.disk, images, scenario.chunkSizeBytes);

  function broken(rule: Violation['rule'], what: string): void {
    violations.push({ rule, what });
  }
  function isSafe(image: TrueImage): boolean {
    return isStore ? store.isSafe(image) : hasAt(frontend, targetPath(image), image);
  }
  function holdersOf(image: TrueImage): Host[] {
    return [...cluster.hosts.values()].filter((host) => {
      if (gone.has(host)) return false;
      if (host === frontend) return isSafe(image);
      const isOrigin = host.name === image.node && hasAt(host, image.path, image);
      return isOrigin || hasSpooled(host, image);
    });
  }
  /** What a fault does to copies is no fault of the tool. */
  function destroy(host: Host, hit: readonly TrueImage[]): void {
    const isFirst = ghosts.size === 0;
    for (const image of hit) {
      const holders = holdersOf(image);
      if (!holders.includes(host)) continue;
      const those = ghosts.get(image.id) ?? new Set();
      those.add(host.name);
      ghosts.set(image.id, those);
      if (holders.length > 1) continue;
      doomed.add(image.id);
      // With two copies the loss of one keeper costs time, and nothing else.
      if (scenario.copies < 2 || !isFirst || image.node === host.name) continue;
      broken(1, `${host.name} had the only copy of ${image.id}, wanted ${scenario.copies}`);
    }
  }

  return {
    violations,
    doomed,
    images,
    broken,
    isSafe,
    holdersOf,
    spooledFile(host, image) {
      if (!hasSpooled(host, image)) return undefined;
      const path = spoolPaths(host, image).find((at) => hasAt(host, at, image));
      const file = path === undefined ? undefined : host.disk.find(path);
      return file?.kind === 'file' ? file : undefined;
    },
    hostVanishes: (host) => destroy(host, images),
    copyDamaged(host, image, file) {
      destroy(host, [image]);
      damaged.add(file);
    },
    givenBack(node) {
      const host = cluster.host(node);
      for (const image of images) {
        const held = image.node === node || hasSpooled(host, image);
        if (!held || doomed.has(image.id) || isSafe(image)) continue;
        const elsewhere = new Set(holdersOf(image).map(({ name }) => name));
        elsewhere.delete(node);
        // What a fault destroyed, and nobody could notice yet, counts.
        if (elsewhere.size === 0 && ghosts.has(image.id)) doomed.add(image.id);
        for (const ghost of ghosts.get(image.id) ?? []) elsewhere.add(ghost);
        elsewhere.delete(node);
        const wanted = image.node === node ? scenario.copies : 1;
        if (elsewhere.size >= wanted) continue;
        const found = `${elsewhere.size} durable copies elsewhere (${[...elsewhere].join(', ')})`;
        broken(1, `${node} was released: ${found} of ${image.id}, wanted ${wanted}`);
      }
    },
    checkNames(host, renamed) {
      if (isStore && host === frontend) {
        for (const defect of store.defects(renamed)) broken(3, defect);
        return;
      }
      for (const image of images) {
        const paths =
          host === frontend ? [targetPath(image)] : spoolPaths(host, image).filter(isRecorded);
        for (const path of paths) {
          const file = host.disk.find(path);
          if (file?.kind !== 'file' || damaged.has(file)) continue;
          if (file.content.equals(image.bytes)) continue;
          broken(3, `${host.name}:${path} is there, and not complete`);
        }
      }
      function isRecorded(path: string): boolean {
        return host.disk.find(`${path}.json`) !== undefined;
      }
    },
    checkCopies(occasion) {
      for (const image of images) {
        if (doomed.has(image.id) || holdersOf(image).length > 0) continue;
        broken(1, `no good copy of ${image.id} is left ${occasion}`);
        doomed.add(image.id);
      }
    },
    checkOthers(hasEnded) {
      const hit = new Set(scenario.faults.map(nodeHit));
      hit.delete('nobody');
      if (!hasEnded || hit.size > 1 || hit.has('everybody') || isUnruly(scenario)) return;
      for (const image of images) {
        const isOther = image.node !== [...hit][0] && !doomed.has(image.id);
        const holders = holdersOf(image).filter(({ name }) => !hit.has(name));
        if (!isOther || isSafe(image) || holders.length === 0) continue;
        const what = `${image.id} is missing, although the faults hit only ${[...hit].join('')}`;
        broken(8, `${what}; ${holders.map(({ name }) => name).join(', ')} have it`);
      }
    },
    checkLeftovers() {
      for (const host of cluster.hosts.values()) {
        // One that was killed while it left has no successor to do the rest.
        const isCleared = cluster.agents.get(host.name)?.process.ended?.how === 'exit';
        if (gone.has(host) || !isCleared) continue;
        const spool = host.disk.find(SPOOL);
        const kept = spool?.kind === 'directory' ? [...spool.entries.keys()] : [];
        if (kept.length > 0) broken('end', `${host.name}:${SPOOL} has ${kept.join(', ')}`);
      }
      if (isStore) {
        const agent = cluster.agents.get(FRONTEND_HOST)?.process;
        for (const what of leftInStore(cluster.machine.processes, agent)) broken('end', what);
        return;
      }
      for (const path of pathsBelow(frontend.disk.resolve(TARGET), TARGET)) {
        const isOwn = path.startsWith(`${TARGET}/.kgetplus/`);
        if (!isOwn && /kgetplus/.test(path)) broken('end', `${path} is left on the frontend`);
      }
    },
    checkReport(report) {
      for (const { node, path, state } of report.images) {
        const image = images.find((it) => it.node === node && it.path === path);
        if (image === undefined) broken('end', `the report has an image ${node}:${path}`);
        else if (state === 'safe' && !isSafe(image)) {
          broken(2, `the report calls ${image.id} safe, and it is not`);
        } else if (state === 'safe' && isStore && !store.isNoted(report.run, image)) {
          broken('end', `${image.id} is safe, and not in the manifest of ${report.run}`);
        }
      }
    },
    checkSources() {
      for (const { node, path, bytes, id } of images) {
        const host = cluster.host(node);
        if (gone.has(host)) continue;
        const file = host.disk.find(path);
        if (file?.kind !== 'file' || !file.content.equals(bytes)) {
          broken(9, `the source of ${id} was changed`);
        }
      }
    },
  };
}

/** Whether a host keeps the image so that it is found again. */
function hasSpooled(host: Host, image: TrueImage): boolean {
  // Without its index and its name a copy is not found again.
  const isThere = (path: string): boolean => {
    const file = host.disk.findDurable(path);
    return file?.kind === 'file' && file.pending.length === 0 && file.durable.length > 0;
  };
  return spoolPaths(host, image).some(
    (path) => hasAt(host, path, image) && isThere(`${path}.caibx`) && isThere(`${path}.json`),
  );
}

/** Whether the image is there, and would be after a loss of power. */
function hasAt(host: Host, path: string, { bytes }: TrueImage): boolean {
  const file = host.disk.findDurable(path);
  return file?.kind === 'file' && file.pending.length === 0 && file.durable.equals(bytes);
}

function pathsBelow(node: DiskNode, path: string): string[] {
  if (node.kind === 'file') return [path];
  return [...node.entries].flatMap(([name, child]) => pathsBelow(child, `${path}/${name}`));
}

/** The node that a fault hits; connections that break and clocks that jump hit nobody for long. */
function nodeHit(fault: Fault): string {
  if (fault.kind === 'reset-connections' || fault.kind === 'clock') return 'nobody';
  if (fault.kind === 'failing-hook') return 'nobody';
  if ('node' in fault) return fault.node;
  if ('host' in fault) return fault.host === FRONTEND_HOST ? 'everybody' : fault.host;
  if ('victim' in fault && typeof fault.victim === 'object') return fault.victim.node;
  return 'everybody';
}

function isUnruly({ channelFaults }: Scenario): boolean {
  return Object.values(channelFaults).some((perMille) => perMille > 0);
}

function targetPath({ node, path }: TrueImage): string {
  return `${TARGET}/${node}/${basename(path)}`;
}

/** Where agents of a host would keep the image, whatever run and node they work for. */
function spoolPaths(host: Host, image: TrueImage): string[] {
  const name = `${createHash('sha256').update(image.id).digest('hex').slice(0, 32)}.image`;
  const root = host.disk.find(SPOOL);
  if (root?.kind !== 'directory') return [];
  return [...root.entries].flatMap(([key, home]) =>
    home.kind === 'directory'
      ? [...home.entries.keys()].map((node) => `${SPOOL}/${key}/${node}/${name}`)
      : [],
  );
}
