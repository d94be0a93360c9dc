#!/bin/bash
# Twenty containers of twenty uids at once, each on a fresh volume of its own, and all on one
# volume of mode 1777: everybody's files are everybody's own.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../support/docker_env.sh
source "$(dirname "$(realpath "$0")")/../support/docker_env.sh"
start_docker_test "$@"

readonly view=/containerdata/user-toto disk=/volumes/user-toto
readonly -a uids=({1000..1019})
mount_view owner=map

at_once() { # FUNCTION: for every uid; prints what failed
  local uid
  local -a running=()
  for uid in "${uids[@]}"; do
    "$1" "$uid" >"/run/output-$uid" 2>&1 &
    running+=($!)
  done
  for uid in "${uids[@]}"; do
    wait "${running[0]}" || echo "uid $uid: $(tail -n 1 "/run/output-$uid")"
    running=("${running[@]:1}")
  done
}

write_own_volume() { # UID
  box -u "$1" -v "$view/own-$1:/data" -- sh -euc "
    echo $1 >/data/file
    mkdir /data/directory
    echo $1 >/data/directory/file
    [ \"\$(stat -c %u /data /data/file /data/directory/file | sort -u)\" = $1 ]"
}

write_shared_volume() { # UID
  box -u "$1" -v "$view/shared:/data" -- sh -euc "
    echo $1 >/data/file-$1
    [ \"\$(stat -c %u /data/file-$1)\" = $1 ]"
}

equal "all write to volumes of their own" "" "$(at_once write_own_volume)"
runuser -u toto -- mkdir -m 1777 $disk/shared
equal "all write to one volume" "" "$(at_once write_shared_volume)"

for uid in "${uids[@]}"; do
  shown=$((100000 + uid)) stored=$((199999 + uid))
  equal "uid $uid: owners on the view" "$shown $shown $shown" \
    "$(stat -c %u "$view/own-$uid" "$view/own-$uid/file" "$view/shared/file-$uid" 2>&1 | paste -sd' ')"
  equal "uid $uid: owners on disk" "$stored $stored $stored" \
    "$(stat -c %u "$disk/own-$uid" "$disk/own-$uid/file" "$disk/shared/file-$uid" 2>&1 | paste -sd' ')"
  equal "uid $uid: content" "$uid $uid $uid" \
    "$(cat "$disk/own-$uid/file" "$disk/own-$uid/directory/file" "$disk/shared/file-$uid" 2>&1 | paste -sd' ')"
done

fails_with "the sticky bit keeps others' files" "Operation not permitted" \
  box -u 1001 -v $view/shared:/data -- rm -f /data/file-1000
equal "the shared volume is still its owner's" "100000:100000 1777 shared" "$(owners $view shared)"

unmount_view
finish
