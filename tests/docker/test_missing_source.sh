#!/bin/bash
# `-v` with a bind source that is missing: the engine makes it through the view, and the container
# can use it whatever its uid. Only the volume itself is free to take, not the directories on the way.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../support/docker_env.sh
source "$(dirname "$(realpath "$0")")/../support/docker_env.sh"
start_docker_test "$@"

readonly view=/containerdata/user-toto disk=/volumes/user-toto
mount_view owner=map

# A container that only looks leaves the volume unclaimed.
box -u 1000 -v $view/a/b/c:/data -- true || true
equal "the directories on the way are container root's" \
  "100000:100000 755 a
100000:100000 755 a/b" "$(owners $view a a/b 2>&1)"
equal "the volume is free to take, which the host's root is not shown" "100000:100000 755 a/b/c" "$(owners $view a/b/c 2>&1)"

equal "uid 1000 writes to the volume" "hello" \
  "$(box -u 1000 -v $view/a/b/c:/data -- sh -c 'echo hello >/data/file && cat /data/file' 2>&1)"
equal "and has become its owner" "101000" "$(stat -c %u $view/a/b/c 2>&1)"
equal "on disk, too" "200999" "$(stat -c %u $disk/a/b/c 2>&1)"
equal "a volume that has an owner is not free any more" "755" "$(stat -c %a $view/a/b/c 2>&1)"
fails_with "uid 1001 comes too late" "Permission denied" \
  box -u 1001 -v $view/a/b/c:/data -- touch /data/late
fails_with "uid 1000 may not write beside the volume" "Permission denied" \
  box -u 1000 -v $view/a:/data -- touch /data/beside
fails_with "nor one level down" "Permission denied" \
  box -u 1000 -v $view/a/b:/data -- touch /data/beside

fails_with "--mount type=bind refuses a missing source" "bind source path does not exist" \
  box -u 1000 --mount type=bind,source=$view/never,target=/data -- true
equal "and makes none" "" "$(find $disk -name never)"

equal "--mount type=bind takes an existing one" "hello" \
  "$(box -u 1000 --mount type=bind,source=$view/a/b/c,target=/data -- cat /data/file 2>&1)"

unmount_view
finish
