import {
  GUEST_AGENT,
  GUEST_BUSYBOX,
  GUEST_DIRECTORY,
  GUEST_JOB_RUNNER,
  GUEST_POWER_OFF,
} from './places.ts';

/** What ends by itself within that after SIGTERM is not killed: 20 times 50 ms. */
const TERM_ROUNDS = 20;

const DHCP_SCRIPT = `${GUEST_DIRECTORY}/dhcp`;

/** For guests whose init knows nothing of ACPI. Not even a process that hangs can prevent it. */
export const POWER_OFF_SCRIPT = `#!${GUEST_BUSYBOX} sh
# Ends all processes but init and this one, writes everything to disk, and powers off.
trap '' TERM
kill -TERM -1
round=0
while [ $round -lt ${TERM_ROUNDS} ]; do
  others=
  for entry in /proc/[0-9]*; do
    [ -r "$entry/cmdline" ] && read -r -n 1 words <"$entry/cmdline" 2>/dev/null
    case $words,\${entry##*/} in ,* | *,1 | *,$$) ;; *) others=1 ;; esac
    words=
  done
  [ -z "$others" ] && break
  usleep 50000
  round=$((round + 1))
done
kill -KILL -1
sync
mount -o remount,ro / 2>/dev/null
poweroff -f
`;

const START_LINES = `(
  ${GUEST_BUSYBOX} ip link set lo up
  [ -e /sys/class/net/eth0 ] &&
    ${GUEST_BUSYBOX} udhcpc -q -t 3 -n -i eth0 -s ${DHCP_SCRIPT} >/dev/null 2>&1
) &`;

/** Guests without an init of their own: busybox's, which reads /etc/inittab. */
export const INITTAB = `# Made by kgetplus: job runner, guest agent and ACPI button.
::sysinit:${GUEST_DIRECTORY}/boot
::respawn:${GUEST_BUSYBOX} acpid -d -c /etc/acpi
::respawn:${GUEST_AGENT}
::once:${GUEST_JOB_RUNNER}
`;

export const BOOT_SCRIPT = `#!${GUEST_BUSYBOX} sh
mkdir -p /dev/pts /dev/shm /run /tmp
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /dev/shm
${START_LINES}
`;

/** For guests with an init that is not systemd: job runner and agent run beside it. */
export const START_SCRIPT = `#!${GUEST_BUSYBOX} sh
mkdir -p /run
(
  ${GUEST_JOB_RUNNER} &
  [ -e /usr/sbin/qemu-ga ] || ${GUEST_AGENT} &
) </dev/null >/dev/null 2>&1
exec /sbin/init "$@"
`;

/** Sets what a DHCP server has given: called by udhcpc, see its documentation. */
export const DHCP = `#!${GUEST_BUSYBOX} sh
case $1 in
  bound | renew)
    ip addr flush dev "$interface"
    ip addr add "$ip/\${mask:-24}" dev "$interface"
    [ -n "$router" ] && ip route add default via "\${router%% *}" dev "$interface"
    : >/etc/resolv.conf
    for server in $dns; do echo "nameserver $server" >>/etc/resolv.conf; done
    ;;
  deconfig) ip link set "$interface" up ;;
esac
`;

/** ACPI's name of the power button, as busybox's acpid looks it up in /etc/acpi. */
export const POWER_BUTTON = '/etc/acpi/PWRF/00000080';

export const POWER_BUTTON_SCRIPT = `#!${GUEST_BUSYBOX} sh
exec ${GUEST_POWER_OFF}
`;

export const JOB_RUNNER_UNIT = `[Unit]
Description=Job of kgetplus
# A short job must not end before anybody listens to the power button and to the host's requests.
After=local-fs.target network.target systemd-logind.service
After=qemu-guest-agent.service kgetplus-agent.service

[Service]
ExecStart=${GUEST_JOB_RUNNER}
RemainAfterExit=yes
# What the command has left in the background stays.
KillMode=process

[Install]
WantedBy=multi-user.target
`;

export const AGENT_UNIT = `[Unit]
Description=Guest agent of kgetplus
ConditionPathExists=!/usr/sbin/qemu-ga

[Service]
ExecStart=${GUEST_AGENT}
Restart=always

[Install]
WantedBy=multi-user.target
`;

/** For systemd-networkd: whatever card the machine has. */
export const NETWORK_UNIT = `[Match]
Name=e*

[Network]
DHCP=yes
`;
