/** The port that the guest speaks on: `boot`, `count NUMBER` all the time, `done NUMBER`. */
export const TINY_STATUS_PORT = 'org.kgetplus.test';
/** The disk that tells the guest what to do: `NUMBER WORD ARGUMENT`, each number once. */
export const TINY_COMMAND_DISK = 'command';
export const TINY_COMMAND_DISK_BYTES = 65_536;

/** The first process of the test guest. */
export const GUEST_INIT = `#!/bin/busybox sh
export PATH=/bin
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
for module in /modules/*; do insmod $module; done
until [ -b /dev/vda ] && [ -b /dev/vdb ] && ls /sys/class/virtio-ports/*/name >/dev/null 2>&1; do
  usleep 20000
done
mount -t ext4 /dev/vda /disk
for port in /sys/class/virtio-ports/*; do
  name=$(cat $port/name)
  mkdir -p /dev/virtio-ports
  ln -sf /dev/\${port##*/} /dev/virtio-ports/$name
done
exec 4>/dev/virtio-ports/${TINY_STATUS_PORT}
echo boot >&4
acpid -d -c /acpi >/dev/null 2>&1 &
[ -e /dev/virtio-ports/org.qemu.guest_agent.0 ] && sh /agent &
command() { dd if=/dev/vdb bs=4096 count=1 iflag=direct 2>/dev/null | head -n 1; }
set -- $(command)
last=\${1:-0}
count=0
while :; do
  count=$((count + 1))
  echo count $count >&4
  set -- $(command)
  if [ "\${1:-0}" -gt $last ]; then
    last=$1
    case $2 in
    write)
      ( dd if=/dev/urandom of=/disk/data.$1 bs=65536 count=$3 2>/dev/null; sync
        echo done $1 >&4 ) & ;;
    deaf) killall acpid; echo done $1 >&4 ;;
    panic) echo 1 >/proc/sys/kernel/sysrq; echo c >/proc/sysrq-trigger ;;
    off) sync; poweroff -f ;;
    esac
  fi
  usleep 100000
done
`;

/** A guest agent that can only freeze. */
export const GUEST_AGENT = `#!/bin/busybox sh
exec 3<>/dev/virtio-ports/org.qemu.guest_agent.0
state=thawed
while :; do
  if ! read -r line <&3; then usleep 50000; continue; fi
  answer='{"error": {"class": "CommandNotFound", "desc": "not known"}}'
  case $line in
  *guest-sync*) id=\${line##*:}; answer="{\\"return\\": \${id%%\\}*}}" ;;
  *guest-ping*) answer='{"return": {}}' ;;
  *guest-fsfreeze-status*) answer="{\\"return\\": \\"$state\\"}" ;;
  *guest-fsfreeze-freeze*)
    fsfreeze --freeze /disk && state=frozen; answer='{"return": 1}' ;;
  *guest-fsfreeze-thaw*)
    if [ $state = frozen ]; then fsfreeze --unfreeze /disk; fi
    state=thawed; answer='{"return": 1}' ;;
  esac
  echo "$answer" >&3
done
`;
