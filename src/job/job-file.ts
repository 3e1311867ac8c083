import { KgetError } from '../base/error.ts';
import { parseYaml, type YamlSource } from '../base/parse-yaml.ts';
import { jobFields, MAX_VMS, type JobFileSurroundings } from './job-file-fields.ts';
import type { JobSpec } from './job-spec.ts';

/**
 * Reads a job file: docs/jobs.md is its reference. Input files must be there.
 * @throws KgetError `usage`, whose message has a line `FILE:LINE:COLUMN: …` for each fault
 */
export function readJobFile(source: YamlSource & JobFileSurroundings): JobSpec {
  const { value, positionOf } = parseYaml(source, { title: 'job', fields: jobFields(source) });
  const vms = value.nodes.length * value['vms-per-node'];
  if (vms > MAX_VMS) {
    throw new KgetError(
      'usage',
      `${positionOf(['vms-per-node'])}: vms-per-node: ${value.nodes.length} nodes with ` +
        `${value['vms-per-node']} machines each found, ${vms} in all, wanted at most ${MAX_VMS}: ` +
        'make several jobs of it',
    );
  }
  if (value['boot-from'] === 'store' && value.hypervisor !== 'qemu') {
    throw new KgetError(
      'usage',
      `${positionOf(['boot-from'])}: boot-from: "store" found with the hypervisor ` +
        `"${value.hypervisor}", wanted "cache": only qemu can go on from an image that arrives later`,
    );
  }
  return {
    name: value.name,
    nodes: value.nodes,
    vmsPerNode: value['vms-per-node'],
    image: value.image,
    hypervisor: value.hypervisor,
    cpus: value.cpus,
    memoryBytes: value.memory,
    network: value.network,
    inputs: value.inputs,
    command: value.command,
    environment: value.environment,
    outputs: value.outputs,
    outputRoomBytes: value['output-room'],
    timeLimitMs: value['time-limit'],
    bootLimitMs: value['boot-limit'],
    shutdownLimitMs: value['shutdown-limit'],
    onSuccess: value['on-success'],
    onFailure: value['on-failure'],
    bootFrom: value['boot-from'],
  };
}
