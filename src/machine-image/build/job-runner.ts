import {
  INPUT_DISK,
  JOB_DISK,
  LOG_PORT,
  OUTPUT_DISK,
  STATUS_PORT,
  TIME_LIMIT_STATUS,
} from '../../guest/protocol.ts';
import { GUEST_BUSYBOX } from './places.ts';

/** How long a command may take to end after SIGTERM, when its time has run out. */
const KILL_AFTER_SECONDS = 10;

/** Shell functions that find a virtio port by name; without udev there are no names in /dev. */
export const FIND_PORT = `
# The device of a virtio port by its name; /dev/null if there is none.
port() {
  for entry in /sys/class/virtio-ports/*; do
    name=
    [ -r "$entry/name" ] && read -r name <"$entry/name"
    if [ "$name" = "$1" ]; then echo "/dev/\${entry##*/}"; return; fi
  done
  echo /dev/null
}
`;

/**
 * The guest's side of src/guest/protocol.ts: a script of busybox's shell, whose applets need nothing
 * of the guest's own tools. The command runs under the guest's own /bin/sh.
 */
export const JOB_RUNNER = `#!${GUEST_BUSYBOX} sh
# Runs the job that the host hands over on disks, and tells the host how it goes.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
newline='
'
${FIND_PORT}
# The device of a virtio disk by its serial.
disk() {
  for entry in /sys/block/vd*; do
    serial=
    # The file has no newline at its end, so read fails and yet reads.
    [ -r "$entry/serial" ] && read -r serial <"$entry/serial"
    if [ "$serial" = "$1" ]; then echo "/dev/\${entry##*/}"; return; fi
  done
  return 1
}

say() { echo "$*" >&3; }
log() { echo "kgetplus: $*" >&4; }
fail() { log "$*"; say "failed $*"; exit 1; }

unpack() {
  mkdir -p "$2" && tar -xf "$1" -C "$2" 2>/run/kgetplus-tar && return
  read -r reason </run/kgetplus-tar
  fail "cannot unpack $1 to $2: $reason"
}

# In a process group of its own, all of which ends when the time has run out.
run_command() {
  rm -f /run/kgetplus-late
  (
    cd /job/inputs || exit
    [ -f /job/job/environment ] && . /job/job/environment
    exec setsid /bin/sh /job/job/command
  ) </dev/null >&4 2>&4 3>&- 4>&- &
  command=$!
  watchdog=
  [ -n "$limit" ] && { watch 3>&- 4>&- & watchdog=$!; }
  wait $command
  status=$?
  [ -n "$watchdog" ] && kill $watchdog 2>/dev/null
  # Processes that it left in the background may go on; not so when its time has run out.
  if [ -f /run/kgetplus-late ]; then
    log "the time limit of $limit s ran out"
    kill -KILL -$command 2>/dev/null
    status=${TIME_LIMIT_STATUS}
  fi
}

watch() {
  trap 'kill $pause 2>/dev/null; exit' TERM
  sleep "$limit" & pause=$!
  wait $pause
  : >/run/kgetplus-late
  kill -TERM -$command 2>/dev/null
  sleep ${KILL_AFTER_SECONDS} & pause=$!
  wait $pause
  kill -KILL -$command 2>/dev/null
}

pack_outputs() {
  cd /job/inputs || fail 'cannot enter /job/inputs'
  set --
  while IFS= read -r pattern || [ -n "$pattern" ]; do
    [ -z "$pattern" ] && continue
    found=
    # Names may have blanks in them.
    IFS=$newline
    for path in $pattern; do
      if [ -e "$path" ] || [ -L "$path" ]; then set -- "$@" "$path"; found=1; fi
    done
    unset IFS
    [ -z "$found" ] && log "no output matches $pattern"
  done </job/job/outputs
  if [ $# = 0 ]; then say 'outputs 0'; return; fi
  target=$(disk ${OUTPUT_DISK}) || fail 'there is no disk for the outputs'
  # The archive is counted on its way to the disk: busybox's dd does not tell how much it was.
  rm -f /run/kgetplus-count
  mkfifo /run/kgetplus-count
  wc -c </run/kgetplus-count >/run/kgetplus-bytes &
  counting=$!
  {
    tar -cf - -- "$@" 2>/run/kgetplus-tar
    echo $? >/run/kgetplus-tar-status
  } | tee /run/kgetplus-count | dd of="$target" bs=65536 conv=fsync 2>/run/kgetplus-dd
  written=$?
  grep -v -i 'removing leading' /run/kgetplus-tar >/run/kgetplus-complaints
  cat /run/kgetplus-complaints >&4
  if [ $written != 0 ]; then
    read -r reason </run/kgetplus-dd
    fail "cannot write the outputs: $reason"
  fi
  read -r packed </run/kgetplus-tar-status
  if [ "$packed" != 0 ]; then
    read -r reason </run/kgetplus-complaints
    fail "cannot pack the outputs: $reason"
  fi
  wait $counting
  read -r bytes </run/kgetplus-bytes
  say "outputs $bytes"
}

exec 3>"$(port ${STATUS_PORT})" 4>"$(port ${LOG_PORT})"
mkdir -p /run
say ready
job=$(disk ${JOB_DISK}) || exit 0
unpack "$job" /job
mkdir -p /job/inputs
inputs=$(disk ${INPUT_DISK}) && unpack "$inputs" /job/inputs
limit=
[ -f /job/job/time-limit ] && read -r limit </job/job/time-limit
case $limit in *[!0-9.]*) fail "the time limit is no number of seconds: $limit" ;; esac
say started
run_command
say "exit $status"
if [ -s /job/job/outputs ]; then pack_outputs; else say 'outputs 0'; fi
sync
say done
`;
