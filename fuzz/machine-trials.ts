/** What guests, hypervisors and files beside machines say of machines. */
import assert from 'node:assert/strict';
import { KgetError } from '../src/base/error.ts';
import { parseGuestEvent, type GuestEvent } from '../src/guest/protocol.ts';
import { machineRecordText, parseMachineRecord } from '../src/host/machine-record.ts';
import { foreignSpec } from '../src/hypervisor/libvirt/foreign-spec.ts';
import { parseXml } from '../src/hypervisor/libvirt/parse-xml.ts';
import { readRecord } from '../src/hypervisor/libvirt/record.ts';
import { parseQmpLine } from '../src/hypervisor/qemu/qmp-line.ts';
import { vmSpec } from '../src/hypervisor/vm-spec.ts';
import { WANTED } from './host-call-samples.ts';

const MAX_REASON_CHARACTERS = 500;

export function guestSamples(): Buffer[] {
  return [
    'ready\nstarted\nexit 0\noutputs 1048576\ndone\n',
    'ready\nfailed cannot unpack /dev/vdb: no space left\n',
    'ready\r\nstarted\r\nexit 127\r\n',
    'exit 999999999999999\noutputs 0\n',
    'failed \u001B[31mred\u001B[0m\n',
  ].map((text) => Buffer.from(text));
}

/** A line is an event, or none; and what people are shown of it is short and printable. */
export function tryGuestLines(input: Buffer): void {
  const events = input
    .toString('utf8')
    .split('\n')
    .flatMap((line) => parseGuestEvent(line) ?? []);
  for (const event of events) {
    for (const number of numbersOf(event)) assert.ok(Number.isSafeInteger(number) && number >= 0);
    if (event.kind !== 'failed') continue;
    assert.ok(event.reason.length <= MAX_REASON_CHARACTERS);
    assert.ok(!/\p{C}/u.test(event.reason), 'control characters in a reason');
  }
  if (events.length === 0) throw new KgetError('protocol', 'no line is an event');
}

function numbersOf(event: GuestEvent): number[] {
  if (event.kind === 'exit') return [event.status];
  return event.kind === 'outputs' ? [event.archiveBytes] : [];
}

export function qmpSamples(): Buffer[] {
  return [
    '{"QMP": {"version": {"qemu": {"micro": 19, "minor": 2, "major": 7}}, "capabilities": ["oob"]}}',
    '{"return": {}, "id": 3}',
    '{"return": [{"device": "root", "status": "concluded", "error": "no space"}], "id": 4}',
    '{"id": 5, "error": {"class": "GenericError", "desc": "Block node is read-only"}}',
    '{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "STOP"}',
    '{"event": "JOB_STATUS_CHANGE", "data": {"status": "concluded", "id": "backup-root"}}',
  ].map((text) => Buffer.from(text));
}

/** A line of a monitor means something, or nothing. */
export function tryQmpLine(input: Buffer): void {
  const found = parseQmpLine(input.toString('utf8'));
  if (found === undefined) throw new KgetError('protocol', 'of no use');
  if (found.kind === 'event') assert.equal(typeof found.name, 'string');
  if (found.kind === 'answer' || found.kind === 'refusal') assert.equal(typeof found.id, 'number');
  if (found.kind === 'refusal') assert.equal(typeof found.reason, 'string');
}

const DOMAIN = `<?xml version="1.0"?>
<!-- made by hand -->
<domain type='qemu' id='7'>
  <name>job-1.0</name>
  <metadata>
    <kgetplus:machine xmlns:kgetplus="https://kgetplus.invalid/libvirt/1">{"spec":null,
"started":true,"incoming":false,"disksElsewhere":false,"restored":false,
"snapshot":null}</kgetplus:machine></metadata>
  <memory unit='KiB'>131072</memory><vcpu placement='static'>2</vcpu>
  <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type><kernel>/boot/vmlinuz</kernel>
    <cmdline>console=ttyS0 &quot;a&amp;b&quot; &#65;&#x42;</cmdline></os>
  <devices>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/vm/a.qcow2'/>
      <target dev='vda' bus='virtio'/></disk>
    <disk type='file' device='cdrom'><target dev='sda'/><readonly/></disk>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <interface type='user'/>
  </devices>
</domain>
`;

export function domainSamples(): Buffer[] {
  const list = "<domainsnapshot><name>a</name><memory snapshot='no'/></domainsnapshot>";
  return [DOMAIN, DOMAIN, list].map((text) => Buffer.from(text));
}

/** What libvirt says of a domain makes a specification that is one, or none. */
export function tryDomain(input: Buffer): void {
  const domain = parseXml(input.toString('utf8'));
  const spec = foreignSpec(domain);
  if (spec !== undefined) assert.deepEqual(vmSpec.safeParse(spec).data, spec);
  readRecord(domain);
}

export function recordSamples(): Buffer[] {
  return [WANTED, { ...WANTED, task: null, boot: { kind: 'disk' } as const }].map((wanted) =>
    Buffer.from(machineRecordText(wanted)),
  );
}

/** A record that was read and is written again must be read as the same. */
export function tryRecord(input: Buffer): void {
  const wanted = parseMachineRecord({ text: input.toString('utf8'), file: 'x' });
  const text = machineRecordText(wanted);
  assert.equal(machineRecordText(parseMachineRecord({ text, file: 'x' })), text);
}
