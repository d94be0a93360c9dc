#!/bin/bash
# Workers that kill themselves at every point of a lock request, before and after the lock is had or
# given up, before and after the table knows, before and after the answer: none is lost, none is granted
# twice. And that this would be seen: with locks that hold within one view only, counts get lost.
# shellcheck source-path=SCRIPTDIR source=../support/lock_env.sh
source "$(dirname "$0")/../support/lock_env.sh"

readonly wish=$T/wish

# By two processes on each view and one on the host. Prints what was counted and what is in the file.
count_up() { # KIND SECONDS
  local file=counter-$1 place
  : >"$VIEW/$file"
  chmod 0666 "$VIEW/$file"
  local -a running=()
  rm -f "$T"/count.*
  for place in "$VIEW" "$VIEW" "$OTHER" "$OTHER" "$HOST"; do
    python3 "$CVFS_SOURCE/tests/support/lock_counter.py" "$place/$file" "$1" "$2" >"$T/count.${#running[@]}" 2>&1 &
    running+=($!)
  done
  wait "${running[@]}" || fail "no program fails" "$(cat "$T"/count.*)"
  awk '{n += $1} END {print n}' "$T"/count.?
  echo "$((10#$(cat "$HOST/$file")))"
}

: >"$wish"
use_cvfsd cvfsd-crashtest "$wish"
mount_lock_views ''
for point in received executed "done" replied; do
  for opcode in 32 33 25 18; do # SETLK SETLKW FLUSH RELEASE
    before=$(deaths)
    ((opcode >= 32)) && one_in=60 || one_in=4
    echo "$point:$one_in:$opcode" >"$wish"
    processes_named cvfsd-worker | xargs kill -KILL # the next ones read the wish
    for kind in posix flock; do
      mapfile -t counts < <(count_up "$kind" 1)
      equal "deaths at '$point' of request $opcode, $kind: none is lost" "${counts[0]}" "${counts[1]}"
    done
    echo "      $(($(deaths) - before)) deaths, ${counts[0]} counted last"
  done
done
: >"$wish"
umount "$T/other"
unmount_view "$T/view"

mount_lock_views locks=local
mapfile -t counts < <(count_up posix 2)
if ((counts[0] > counts[1])); then
  ok "with locks=local counts are lost: ${counts[1]} of ${counts[0]}"
else
  fail "with locks=local counts are lost" "${counts[*]}"
fi
