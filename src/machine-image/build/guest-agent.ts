import { FIND_PORT } from './job-runner.ts';
import { GUEST_BUSYBOX, GUEST_POWER_OFF } from './places.ts';

/** The agent thaws by itself after that, should the host be gone: the hypervisor's longest hold. */
const MAX_FROZEN_SECONDS = 30;

/** Between two looks for a host that has come; reads return at once as long as there is none. */
const IDLE_SECONDS = 0.2;

/** The same while frozen, when only a host that has gone makes reads return at once. */
const FROZEN_IDLE_SECONDS = 0.02;

const COMMANDS = [
  'guest-sync',
  'guest-sync-delimited',
  'guest-ping',
  'guest-info',
  'guest-fsfreeze-status',
  'guest-fsfreeze-freeze',
  'guest-fsfreeze-thaw',
  'guest-shutdown',
];

const INFO = JSON.stringify({
  return: {
    version: 'kgetplus 1',
    supported_commands: COMMANDS.map((name) => ({
      name,
      enabled: true,
      'success-response': name !== 'guest-shutdown',
    })),
  },
});

/**
 * What of QEMU's guest agent protocol (qga/qapi-schema.json of QEMU) a snapshot needs, for guests
 * that have no qemu-ga: a script of busybox's shell. Nothing is started between freeze and thaw but
 * fsfreeze, and nothing is looked up: under emulation each process costs several milliseconds.
 */
export const GUEST_AGENT_SCRIPT = `#!${GUEST_BUSYBOX} sh
# Answers the host's requests, a line of JSON each.
${FIND_PORT}
device=$(port org.qemu.guest_agent.0)
[ "$device" = /dev/null ] && exit 0
exec 3<>"$device"
# A pipe that nobody writes to: to wait without starting a process.
mkfifo /run/kgetplus-pause && exec 4<>/run/kgetplus-pause && rm /run/kgetplus-pause
delimiter=$(printf '\\377')
frozen=

answer() { echo "{\\"return\\": $1}" >&3; }

uptime_seconds() { read -r now _ </proc/uptime; now=\${now%%.*}; }

freeze() {
  [ -n "$frozen" ] && { answer 0; return; }
  sync
  count=0
  # The innermost first: the last that was mounted.
  points=
  while read -r from point kind options _; do
    case $from,$options in /dev/*,rw*) points="$point $points" ;; esac
  done </proc/mounts
  for point in $points; do
    fsfreeze --freeze "$point" 2>/dev/null && { frozen="$point $frozen"; count=$((count + 1)); }
  done
  uptime_seconds
  deadline=$((now + ${MAX_FROZEN_SECONDS}))
  answer $count
}

thaw() {
  count=0
  for point in $frozen; do
    fsfreeze --unfreeze "$point" 2>/dev/null && count=$((count + 1))
  done
  frozen=
}

# The number behind "id".
take_id() {
  id=\${line#*'"id"'}
  id=\${id#*:}
  while [ "\${id# }" != "$id" ]; do id=\${id# }; done
  id=\${id%%[!0-9-]*}
}

handle() {
  case $line in
    *'"guest-sync-delimited"'*) take_id; printf %s "$delimiter" >&3; answer "$id" ;;
    *'"guest-sync"'*) take_id; answer "$id" ;;
    *'"guest-ping"'*) answer '{}' ;;
    *'"guest-info"'*) echo '${INFO}' >&3 ;;
    *'"guest-fsfreeze-status"'*)
      if [ -n "$frozen" ]; then answer '"frozen"'; else answer '"thawed"'; fi ;;
    *'"guest-fsfreeze-freeze"'*) freeze ;;
    *'"guest-fsfreeze-thaw"'*) thaw; answer $count ;;
    *'"guest-shutdown"'*) thaw; ${GUEST_POWER_OFF} & ;;
    *'"execute"'*) echo '{"error": {"class": "CommandNotFound", "desc": "not known here"}}' >&3 ;;
    *[!\\ ]*) echo '{"error": {"class": "GenericError", "desc": "not a request"}}' >&3 ;;
  esac
}

while :; do
  if [ -n "$frozen" ]; then
    uptime_seconds
    [ "$now" -ge "$deadline" ] && thaw
    if read -r -t 1 line <&3; then handle; else read -r -t ${FROZEN_IDLE_SECONDS} _ <&4; fi
  elif read -r line <&3; then
    handle
  else
    # Reads return at once, in vain, while no host is there.
    read -r -t ${IDLE_SECONDS} _ <&4
  fi
done
`;
