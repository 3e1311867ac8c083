import { KgetError } from '../../src/base/error.ts';
import {
  answerCalls,
  answerMessage,
  callMessage,
  caller,
  type AnswerMessage,
  type CallMessage,
  type Handlers,
} from '../../src/control/calls.ts';
import { HOST_CALLS, type FoundVm, type HostCalls } from '../../src/control/host-calls.ts';
import { memoryPair } from '../../src/control/memory-channel.ts';
import type { Host } from '../../src/job/hosts/hosts.ts';
import { realClock } from '../control/clocks.ts';

/** Some of the calls that a host agent answers; the others fail. */
export type SomeHandlers = Partial<Handlers<HostCalls>>;

/** A host whose agent is a few functions, over a real channel. */
export function fakeHost(node: string, handlers: SomeHandlers): Host {
  const [here, there] = memoryPair<CallMessage, AnswerMessage>({
    here: { schema: answerMessage, peer: node },
    there: { schema: callMessage, peer: 'the coordinator' },
  });
  const names = Object.keys(HOST_CALLS) as (keyof HostCalls)[];
  const refusals = names.map((name) => [
    name,
    async () => {
      throw new KgetError('internal', `${node} was not to be asked for "${name}"`);
    },
  ]);
  void answerCalls({
    channel: there,
    table: HOST_CALLS,
    handlers: { ...Object.fromEntries(refusals), ...handlers } as Handlers<HostCalls>,
  });
  return {
    node,
    address: `10.0.0.${node.length}`,
    port: 1,
    facts: {
      port: 1,
      callerAddress: null,
      arch: 'x86_64',
      hypervisor: { version: '7.2', accelerator: 'tcg' },
      roomBytes: 2 ** 40,
      memoryBytes: 2 ** 34,
      cpus: 2,
    },
    caller: caller({
      channel: here,
      table: HOST_CALLS,
      clock: realClock,
      peer: `the host agent on ${node}`,
      onNotice: () => {},
    }),
  };
}

/** A machine that runs, with what is said otherwise. */
export function foundVm(fields: Partial<FoundVm> & { readonly name: string }): FoundVm {
  return {
    job: 'count',
    state: 'running',
    memoryBytes: 2 ** 27,
    cpus: 1,
    exit: null,
    events: [],
    logBytes: 0,
    outputsPath: null,
    ...fields,
  };
}
