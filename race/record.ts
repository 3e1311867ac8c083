/**
 * What a race found: the JSON file that `npm run race` writes. Times are seconds, and those of a
 * heat count from the start of its command; sizes are bytes; links are counted in frames.
 */
export interface RaceRecord {
  readonly schema: 'kgetplus.race/1';
  readonly profile: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly machine: MachineRecord;
  readonly lab: LabRecord;
  readonly images: ImagesRecord;
  readonly link: LinkRecord;
  /** In the order of the contenders, and of their rounds. */
  readonly heats: readonly HeatRecord[];
  /** Contenders that could not run here, and why. */
  readonly absent: readonly { readonly contender: string; readonly reason: string }[];
}

export interface MachineRecord {
  readonly processors: number;
  readonly model: string;
  readonly memoryBytes: number;
  readonly kernel: string;
  /** Node.js and the git commit, as far as known. */
  readonly node: string;
  readonly commit: string | null;
}

export interface LabRecord {
  readonly nodes: number;
  /** As tc(8) writes rates; a profile with unequal links names the slower ones in words. */
  readonly rate: string;
  readonly frontendRate: string;
  readonly topology: string;
}

export interface ImagesRecord {
  /** In words: kind, sizes, own share. */
  readonly description: string;
  /** All images, holes included. */
  readonly logicalBytes: number;
  /** Chunks that are not all zero. */
  readonly dataBytes: number;
  /** Each different chunk once, zstd-compressed where that makes it smaller. */
  readonly uniqueCompressedBytes: number;
  readonly largestBytes: number;
}

export interface LinkRecord {
  /** TCP payload that iperf3 brought to the frontend in this lab. */
  readonly goodputBytesPerSecond: number;
  /** How long all images, holes included, take over the frontend's link at that rate. */
  readonly limitSeconds: number;
  /** How long the largest image takes over one link: τ. */
  readonly slotSeconds: number;
  /** `clush -w NODES true`: what starting something on all nodes costs here; null without clush. */
  readonly clushSeconds: number | null;
  /** `kgetplus gather --dry-run`: starts all agents, has them name their images, and ends them. */
  readonly dryRunSeconds: number;
  /** The same when the agents have to be shipped first. */
  readonly firstDryRunSeconds: number;
}

/** One contender's run from clean nodes to compared files. */
export interface HeatRecord {
  readonly contender: string;
  readonly round: number;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** What the program says of its version. */
  readonly version: string;
  /** What was run on the frontend, by a shell. */
  readonly command: string;
  readonly exitCode: number | null;
  /** The end of what the command complained. */
  readonly complaint: string;
  /** When the command had ended. */
  readonly seconds: number;
  readonly nodes: readonly NodeRecord[];
  /** What the frontend's link brought, by the kernel's counter. */
  readonly frontendBytes: number;
  /** What all nodes sent over their links, to the frontend or to each other. */
  readonly nodesBytes: number;
  /** Most nodes that sent image bytes to the frontend at the same instant; see `senders.ts`. */
  readonly peakSenders: number;
  readonly frontendUse: UseRecord;
  readonly nodesUse: UseRecord;
  /** When the last agent was up, by Kget+'s own report; null for others. */
  readonly agentsUpSeconds: number | null;
}

export interface NodeRecord {
  readonly node: string;
  readonly imageBytes: number;
  /** When the watcher first saw the file as it was in the end; null if it never came. */
  readonly completeSeconds: number | null;
  /** When the node could be given back; for all but Kget+ that is `completeSeconds`. */
  readonly releasedSeconds: number | null;
  /** Whether what arrived equals the node's image, byte for byte. */
  readonly isIdentical: boolean;
}

/** Processors and memory, of all processes of a side together. */
export interface UseRecord {
  /** From the kernel's accounting of the control group; null where there is none. */
  readonly cpuSeconds: number | null;
  /** Greatest sum of proportional set sizes (PSS) that was sampled. */
  readonly peakBytes: number;
}
