#!/bin/bash
# A worker that has lost supervisor and standby becomes the program anew, as confined as it is: that one
# can do what its predecessor could. Here in a view in another mount namespace, with times of its own.
# shellcheck source-path=SCRIPTDIR source=../support/upgrade_env.sh
source "$(dirname "$0")/../support/upgrade_env.sh"

use_upgradable_builds
unshare -m --propagation private sleep infinity &
namespace=$!
is_apart() { [[ $(readlink "/proc/$namespace/ns/mnt") != $(readlink /proc/self/ns/mnt) ]]; }
eventually 5 is_apart
there() { nsenter --target "$namespace" --mount -- "$@"; }
is_mounted_there() { there mountpoint -q "$T/view"; }
is_gone() { ! is_mounted_there; }
mount_there() {
  mount -t cvfs toto "$T/view" -N "$namespace" -o "containerdata=$T/containerdata,userns=@dockremap,noatime"
}
lose_others() {
  eventually 5 is_complete || fail "one of each is there" "$(show_daemons)"
  kill -KILL "$(supervisor)" "$(standby)"
  eventually 5 is_complete || fail "one of each is there again" "$(show_daemons)"
}

echo "# asked to end"
check "it is mounted there" mount_there
check "there alone" is_mounted_there
lose_others
there touch "$T/view/file"
check "it serves" timeout 10 touch "$T/containerdata/user-toto/file"
said=$(grep -c 'access times move' "$T/log")
equal "reads move no times, as before" 0 "$said"
kill -TERM "$(supervisor)"
check "it unmounts the view there" eventually 5 is_gone
check "and ends" eventually 5 no_daemon

echo "# how others ended"
how_one_supervisor_died() {
  eventually 5 is_complete
  kill -KILL "$(supervisor)"
  eventually 5 is_complete
  "$CVFS_BIN/cvfs" status --json | python3 -c '
import json, sys
print(json.load(sys.stdin)[0]["events"][-1]["why"])'
}
# The kernel tells since Linux 6.15, once whoever has to has collected the process: on a busy machine that may be
# later than cvfs waits for it, so what one death did not say the next may.
how_the_supervisor_died() {
  local attempt how
  for ((attempt = 0; attempt < 5; attempt++)); do
    how=$(how_one_supervisor_died)
    [[ $how != "nobody knows how" ]] && break
  done
  echo "$how"
}
check "it is mounted again" mount_there
told=$(how_the_supervisor_died)
lose_others
equal "is known as before ($told)" "$told" "$(how_the_supervisor_died)"
equal "and nothing is given up twice" 0 "$(grep -cE 'cannot give capabilities|no seccomp' "$T/log")"
there umount "$T/view"
check "all end" eventually 5 no_daemon
kill -KILL "$namespace"
