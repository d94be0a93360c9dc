#!/bin/bash
# The worker is killed at random while real containers, of several uids at once, use the view as hard
# as they can and check every answer: none of them notices, and the host finds the same on disk.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../support/docker_env.sh
source "$(dirname "$(realpath "$0")")/../support/docker_env.sh"
# shellcheck source-path=SCRIPTDIR source=../support/killer.sh
source "$(dirname "$(realpath "$0")")/../support/killer.sh"
start_docker_test "$@"

readonly view=/containerdata/user-toto/load disk=/volumes/user-toto/load
readonly programs=/run/programs seconds=11

# crash_load and what it is linked with, for an image that has nothing but busybox.
copy_programs() {
  local library
  mkdir -p "$programs"
  cp "$cvfs_bin/test-programs/crash_load" "$programs/"
  for library in $(ldd "$programs/crash_load" | grep -oE '/[^ ]+'); do cp "$library" "$programs/"; done
  loader=/programs/$(basename "$(find "$programs" -name 'ld-linux*')")
}

# crash_load in a container that sees the view only.
load_in_container() { # OUTPUT DOCKER-RUN-OPTIONS... -- UID...
  local output=$1
  local -a options=()
  while shift && [[ $1 != -- ]]; do options+=("$1"); done
  box "${options[@]}" -v "$view:/data" -v "$programs:/programs:ro" -- "$loader" --library-path /programs \
    /programs/crash_load /data - "$seconds" 3 "$RANDOM" "${@:2}" >"$output" 2>&1
}

# What there is, by name: type, mode, links, size, target and contents.
inventory() { # FIND-OUTPUT...
  (cd "$1" && find . -mindepth 1 -printf "$2 %l\n" && find . -type f -exec sha256sum {} +) | sort
}

both_see_the_same() {
  local with=$1 # what find(1) says of each
  diff <(inventory "$view" "$with") <(inventory "$disk" "$with") | head -n 20
}

round() { # OWNER WHAT-BOTH-SEE
  mount_view "owner=$1"
  mkdir "$view"
  chmod 0777 "$view"
  load_in_container /run/load.root -- 0 1000 65535 &
  local root=$! user codes=""
  load_in_container /run/load.user -u 1500:1500 -- &
  user=$!
  kills_file=/run/kills
  kill_until_ended "$root"
  wait "$root" && codes+=0 || codes+=" $(tail -n 5 /run/load.root)"
  wait "$user" && codes+=0 || codes+=" $(tail -n 5 /run/load.user)"
  equal "owner=$1: no container notices" 00 "$codes"
  cat /run/load.root /run/load.user | sed 's/^/      /'
  echo "      $(cat "$kills_file") deaths"
  if (($(cat "$kills_file") > 30)); then ok "workers died indeed"; else fail "workers died indeed" "more than 30" "$(cat "$kills_file")"; fi
  equal "much was made" yes "$( (($(find "$disk" | wc -l) > 1000)) && echo yes)"
  equal "the host finds on disk what the view shows" "" "$(both_see_the_same "$2")"
  equal "and whom it belongs to" "${owners_on_disk[$1]}" "$(find "$disk" -mindepth 1 -printf '%U:%G\n' | sort -u | paste -sd' ')"
  unmount_view
  rm -rf "$disk"
}

readonly -A owners_on_disk=(
  [map]="1500:1500 200999:200999 201499:201499 265534:265534"
  [virtual]="1500:1500")
copy_programs
round map '%p %y %m %n %s'
round virtual '%p %y %n %s'
finish
