import { KgetError } from '../../base/error.ts';
import type { VmFacts, VmState } from '../hypervisor.ts';
import type { VmSpec } from '../vm-spec.ts';
import { isActive, stateOf, type RawState } from './domain-state.ts';
import { foreignSpec } from './foreign-spec.ts';
import { parseXml } from './parse-xml.ts';
import { readRecord, setRecordWords, type DomainRecord } from './record.ts';
import { virshFailure, type Virsh } from './virsh.ts';
import { elements, find, textOf, type XmlElement } from './xml.ts';

/** A domain as libvirt has it. */
export interface Domain extends VmFacts {
  readonly raw: RawState;
  readonly record: DomainRecord;
  readonly spec: VmSpec;
  /** As it is when it is started next. */
  readonly xml: XmlElement;
}

/** A disk of a domain: what it is called in `spec`, and in libvirt. */
export interface DomainDisk {
  readonly name: string;
  readonly target: string;
  readonly format: string;
}

export interface Domains {
  /** @throws KgetError `usage` if there is none that we can handle */
  look(name: string): Promise<Domain>;
  /** Undefined if there is no domain of this name. */
  lookFor(name: string): Promise<Domain | undefined>;
  list(): Promise<readonly Domain[]>;
  /** The states of all domains, by name: in one call. */
  states(): Promise<ReadonlyMap<string, RawState>>;
  /** @throws KgetError `usage` if it is in none of the states */
  expect(name: string, states: readonly VmState[], purpose: string): Promise<Domain>;
  /** Changes what is remembered of a domain; the rest stays. */
  remember(domain: Domain, changes: Partial<DomainRecord>): Promise<void>;
}

/** What there is at a daemon. */
export function domains(virsh: Virsh): Domains {
  async function read(name: string, raw: RawState): Promise<Domain | undefined> {
    const xml = parseXml(await virsh.run(['dumpxml', name, '--inactive']));
    const record = readRecord(xml);
    const spec = record.spec ?? foreignSpec(xml);
    if (spec === undefined) return undefined;
    const told = isActive(raw) ? '' : await virsh.run(['dominfo', name]);
    const hasManagedSave = /^Managed save:\s+yes$/m.test(told);
    return { name, spec, record, raw, xml, ...stateOf({ raw, hasManagedSave, record }) };
  }

  async function lookFor(name: string): Promise<Domain | undefined> {
    const words = ['domstats', '--state', name];
    const answer = await virsh.attempt(words);
    if (!answer.done) {
      const failure = virshFailure(words, answer.complaint);
      if (/failed to get domain/.test(answer.complaint)) return undefined;
      throw failure;
    }
    const raw = readStates(answer.output).get(name);
    return raw === undefined ? undefined : read(name, raw);
  }

  async function look(name: string): Promise<Domain> {
    const found = await lookFor(name);
    if (found !== undefined) return found;
    throw new KgetError(
      'usage',
      `Cannot find machine "${name}": libvirt at ${virsh.connection} has no such domain`,
    );
  }

  const states = async () => readStates(await virsh.run(['domstats', '--state']));

  return {
    look,
    lookFor,
    states,
    async list() {
      const found: Domain[] = [];
      for (const [name, raw] of await states()) {
        // It may be gone by now.
        const domain = await read(name, raw).catch((error: unknown) => gone(error));
        if (domain !== undefined) found.push(domain);
      }
      return found;
    },
    async expect(name, wanted, purpose) {
      const domain = await look(name);
      if (wanted.includes(domain.state)) return domain;
      const found = `it is ${domain.state}, wanted ${wanted.join(' or ')}`;
      throw new KgetError('usage', `Cannot ${purpose} machine "${name}": ${found}`);
    },
    async remember(domain, changes) {
      const { record } = await look(domain.name);
      await virsh.run(setRecordWords(domain.name, { ...record, ...changes }));
    },
  };
}

/** The disks that snapshots of the domain are of; all others are not to be touched. */
export function domainDisks({ xml, record }: Domain): readonly DomainDisk[] {
  return elements(find(xml, 'devices'), 'disk').flatMap((disk) => {
    const target = find(disk, 'target')?.attributes['dev'];
    if (target === undefined) return [];
    const serial = textOf(find(disk, 'serial'));
    const name = record.spec === null ? target : serial;
    return [{ name, target, format: find(disk, 'driver')?.attributes['type'] ?? 'raw' }];
  });
}

/** The answer of `domstats --state`: blocks that begin with `Domain: 'NAME'`. */
function readStates(output: string): ReadonlyMap<string, RawState> {
  const found = new Map<string, RawState>();
  for (const block of output.split(/^Domain: /m).slice(1)) {
    const name = /^'(.*)'$/m.exec(block)?.[1];
    const state = /^\s*state\.state=(\d+)$/m.exec(block)?.[1];
    const reason = /^\s*state\.reason=(\d+)$/m.exec(block)?.[1];
    if (name === undefined || state === undefined || reason === undefined) {
      const seen = JSON.stringify(block.slice(0, 100));
      throw new KgetError('protocol', `Cannot read the state of domains: libvirt says ${seen}`);
    }
    found.set(name, { state: Number(state), reason: Number(reason) });
  }
  return found;
}

function gone(error: unknown): undefined {
  if (error instanceof KgetError && error.code === 'usage') return undefined;
  throw error;
}
