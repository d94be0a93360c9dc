#!/bin/bash
# flock(1) in two real containers, and on the host, while workers are killed 200 times: two never hold it
# at once. And `cvfs locks` says which container it is.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../support/docker_env.sh
source "$(dirname "$(realpath "$0")")/../support/docker_env.sh"
# shellcheck source-path=SCRIPTDIR source=../support/killer.sh
source "$(dirname "$(realpath "$0")")/../support/killer.sh"
start_docker_test "$@"

readonly programs=/run/programs
readonly view=/containerdata/user-toto/locks disk=/volumes/user-toto/locks
readonly kills=${CVFS_LOCK_KILLS:-200}

# flock(1) and what it is linked with, for an image that has nothing but a busybox without it.
copy_flock() {
  local library
  mkdir -p "$programs"
  cp "$(command -v flock)" "$programs/flock.bin"
  for library in $(ldd "$programs/flock.bin" | grep -oE '/[^ ]+'); do cp "$library" "$programs/"; done
  printf '#!/bin/sh\nexec /programs/%s --library-path /programs /programs/flock.bin "$@"\n' \
    "$(basename "$(find "$programs" -name 'ld-linux*')")" >"$programs/flock"
  chmod 0755 "$programs/flock"
}

# Counts up a number in a file under a lock until there is a file `end`; prints how often.
# shellcheck disable=SC2016  # expanded by the shell that runs it
readonly count_up='count=0
while [ ! -e "$1/end" ]; do
  $2 "$1/lock" sh -c "read -r n <$1/number; echo \$((n + 1)) >$1/number" || exit 1
  count=$((count + 1))
done
echo "$count"'

is_listed() { # NAME
  "$cvfs_bin/cvfs" locks --json | python3 -c '
import json, sys
names = [lock.get("container_name") for view in json.load(sys.stdin) for lock in view["locks"]]
sys.exit(sys.argv[1] not in names)' "$1"
}

copy_flock
mount_view locks=shared
mkdir "$view"
chmod 0777 "$view"
: >"$view/lock"
echo 0 >"$view/number"
chmod 0666 "$view"/*

docker run --rm -d --name keeper -v "$view:/data" -v "$programs:/programs:ro" busybox /programs/flock /data/lock sleep 600 >/dev/null
if eventually 10 is_listed keeper; then ok "cvfs locks names the container"; else fail "cvfs locks names the container" keeper "$("$cvfs_bin/cvfs" locks)"; fi
"$cvfs_bin/cvfs" locks | sed 's/^/      /'
docker kill keeper >/dev/null

box -v "$view:/data" -v "$programs:/programs:ro" -- sh -c "$count_up" sh /data /programs/flock >/run/counted.1 2>&1 &
first=$!
box -u 1000 -v "$view:/data" -v "$programs:/programs:ro" -- sh -c "$count_up" sh /data /programs/flock >/run/counted.2 2>&1 &
second=$!
sh -c "$count_up" sh "$disk" flock >/run/counted.3 2>&1 &
third=$!
killed=0
while ((killed < kills)); do
  sleep "$(printf '0.%03d' $((30 + RANDOM % 100)))"
  victim=$(worker) || continue
  kill -KILL "$victim" 2>/dev/null && killed=$((killed + 1))
done
: >"$disk/end"
for pid in "$first" "$second" "$third"; do
  wait "$pid" || fail "no program fails" 0 "$(cat /run/counted.?)"
done
equal "two containers and the host count up, $killed workers are killed, and none is lost" \
  "$(awk '{ n += $1 } END { print n }' /run/counted.?)" "$(cat "$disk/number")"
echo "      counted: $(cat /run/counted.? | paste -sd' ')"
unmount_view
finish
