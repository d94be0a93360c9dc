#!/bin/bash
# A container of any uid writes to a volume that nobody prepared, and everyone's files belong to
# whom they should: in each container, on the view, and on disk.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../support/docker_env.sh
source "$(dirname "$(realpath "$0")")/../support/docker_env.sh"
start_docker_test "$@"

readonly view=/containerdata/user-toto disk=/volumes/user-toto
readonly names="by-1000 by-1000-2000 by-root by-host-root given-away"

# What each sees of the files $names, in order.
readonly in_container="1000:0 1000:2000 0:0 0:0 33:34"
readonly on_view="101000:100000 101000:102000 100000:100000 100000:100000 100033:100034"
readonly -A on_disk=(
  [map]="200999:1500 200999:201999 1500:1500 1500:1500 200032:200033"
  [virtual]="1500:1500 1500:1500 1500:1500 1500:1500 1500:1500")

ids_of() { # DIRECTORY, on the host
  # shellcheck disable=SC2086  # a list of words
  (cd "$1" && stat -c %u:%g $names 2>&1) | paste -sd' '
}

ids_in() { # DOCKER-RUN-OPTIONS...
  box "$@" -v "$volume:/data" -- sh -c "cd /data && stat -c %u:%g $names" 2>&1 | paste -sd' '
}

write_as() { # NAME DOCKER-RUN-OPTIONS...
  local name=$1
  shift
  equal "$owner: $* writes" "I am $name" \
    "$(box "$@" -v "$volume:/data" -- sh -c "echo I am $name >/data/$name && cat /data/$name" 2>&1)"
}

read_as() { # DOCKER-RUN-OPTIONS...
  equal "$owner: $* reads everybody's" "I am by-1000 I am by-1000-2000 I am by-root I am by-host-root" \
    "$(box "$@" -v "$volume:/data" -- sh -c 'cd /data && cat by-1000 by-1000-2000 by-root by-host-root' 2>&1 | paste -sd' ')"
}

for owner in map virtual; do
  mount_view "owner=$owner"
  volume=$view/data-$owner # missing: the engine makes it

  write_as by-1000 -u 1000
  write_as by-1000-2000 -u 1000:2000
  write_as by-root -u 0
  write_as by-host-root --userns=host
  box -v "$volume:/data" -- sh -c 'touch /data/given-away && chown 33:34 /data/given-away' || true

  read_as -u 1000
  read_as -u 1000:2000
  read_as -u 0
  read_as --userns=host

  equal "$owner: owners in a container of uid 1000" "$in_container" "$(ids_in -u 1000)"
  equal "$owner: owners in a container of root" "$in_container" "$(ids_in -u 0)"
  equal "$owner: owners in a --userns=host container" "$on_view" "$(ids_in --userns=host)"
  equal "$owner: owners on the view" "$on_view" "$(ids_of "$volume")"
  equal "$owner: owners on disk" "${on_disk[$owner]}" "$(ids_of "$disk/data-$owner")"

  equal "$owner: the volume belongs to its first writer" "1000" \
    "$(box -v "$volume:/data" -- stat -c %u /data 2>&1)"
  fails_with "$owner: another uid may not create in it" "Permission denied" \
    box -u 1001 -v "$volume:/data" -- touch /data/by-1001
  fails_with "$owner: another uid may not write to a file in it" "Permission denied" \
    box -u 1001 -v "$volume:/data" -- sh -c 'echo no >>/data/by-1000'
  fails_with "$owner: nor may uid 1000 write to root's file" "Permission denied" \
    box -u 1000 -v "$volume:/data" -- sh -c 'echo no >>/data/by-root'
  fails_with "$owner: nor may the other tenant's user on the host" "Permission denied" \
    setpriv --reuid titi --regid titi --clear-groups touch "$volume/by-titi"

  unmount_view
done

finish
