#!/bin/bash
# However a test or the demo ends, by itself, by a signal or by kill -9: nothing of it stays behind.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../support/docker_env.sh
source "$(dirname "$(realpath "$0")")/../support/docker_env.sh"

# The victim: all that a test starts. Says when it is there, and waits for its end.
if [[ ${1:-} == victim ]]; then
  start_docker_test "$@"
  mount_view owner=map
  docker run -d -v /containerdata/user-toto/data:/data busybox sleep 1000 >/dev/null
  echo ready
  sleep "$2"
  exit 0
fi

[[ $EUID == 0 ]] || skip "needs root"

left_by() { # PID: prints what is left
  local machine=cvfs-engine-$1 path
  for path in /sys/fs/cgroup/"$machine" /sys/fs/cgroup/*/"$machine"; do
    [[ ! -e $path ]] || echo "$path"
  done
  grep -lz "CVFS_PRIVATE_MACHINE=$machine" /proc/[0-9]*/environ 2>/dev/null || true
  grep -l "$machine.img" /sys/block/loop*/loop/backing_file 2>/dev/null || true
}

machine_state() {
  cat /etc/passwd /etc/group /etc/subuid /etc/subgid 2>/dev/null | cksum
  grep -c /run/machine /proc/self/mounts || true
  ls -d /volumes /run/machine /run/docker.sock /etc/docker/daemon.json /sbin/mount.cvfs 2>/dev/null || true
}

nothing_is_left_by() { [[ -z $(left_by "$1") ]]; } # PID

end_victim() { # HOW SECONDS-IT-LIVES
  local how=$1 line='' pid output
  exec {output}< <(exec "$0" victim "$2" 2>&1)
  pid=$!
  read -r -u "$output" line || true
  if [[ $line == skipped:* ]]; then skip "${line#skipped: }"; fi
  equal "$how: the victim is there" ready "$line"
  if [[ $how != itself ]]; then kill "-$how" "$pid"; fi
  wait "$pid" 2>/dev/null || true
  exec {output}<&-
  # After kill -9 nobody is left to remove empty control groups: the next script does.
  if [[ $how == KILL ]]; then eventually 10 remove_cgroup "cvfs-engine-$pid" || true; fi
  eventually 10 nothing_is_left_by "$pid" || true
  equal "$how: nothing is left" "" "$(left_by "$pid")"
}

before=$(machine_state)
end_victim itself 0
end_victim TERM 100
end_victim KILL 100
equal "the machine is as before" "$before" "$(machine_state)"

finish
