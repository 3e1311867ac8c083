/** A domain as somebody else has made it, with a qcow2 disk and nothing to boot. */
export function foreignDomain(disk: string): string {
  return `<domain type='qemu'>
    <name>foreign</name>
    <memory unit='MiB'>64</memory>
    <os><type arch='x86_64' machine='q35'>hvm</type></os>
    <devices>
      <disk type='file' device='disk'>
        <driver name='qemu' type='qcow2'/>
        <source file='${disk}'/>
        <target dev='vda' bus='virtio'/>
      </disk>
    </devices>
  </domain>`;
}
