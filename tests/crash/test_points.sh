#!/bin/bash
# Workers that kill themselves at every point of a request: before and after the change is made,
# before and after it is answered. With the journal nobody notices; without it they do.
# shellcheck source-path=SCRIPTDIR source=../support/crash_env.sh
source "$(dirname "$0")/../support/crash_env.sh"

readonly points="received intent executed done replied"
readonly wish=$T/wish

died_since() { (($(deaths) - $1 >= $2)); } # BEFORE COUNT: the log comes through a relay


: >"$wish"
use_cvfsd cvfsd-crashtest "$wish"
for owner in map virtual caller; do
  for point in $points; do
    mount_crash_view "owner=$owner"
    echo "$point:60" >"$wish"
    kill -KILL "$(worker)"
    check "owner=$owner, deaths at '$point': nobody notices" load 3 3
    [[ -z $(unexpected) ]] || fail "answers" "$(unexpected)"
    echo "      $(summary)"
    : >"$wish"
    check "workers died indeed" test "$(deaths)" -gt 5
    unmount_view "$T/view" || fail "it unmounts"
    rm -rf "$T/containerdata/user-toto/load"
  done
done

echo "# without the kernel's own reads and writes: appends go through the worker"
mount_crash_view passthrough=off
for point in intent executed; do
  echo "$point:5:16" >"$wish" # FUSE_WRITE
  kill -KILL "$(worker)"
  check "deaths at '$point' of appends: nobody notices" load 3 3
  [[ -z $(unexpected) ]] || fail "answers" "$(unexpected)"
  : >"$wish"
done
echo "      $(summary)"
unmount_view "$T/view"
rm -rf "$T/containerdata/user-toto/load"

echo "# a request that each worker dies of"
mount_crash_view
echo poison:1:9 >"$wish" # FUSE_MKDIR
before=$(deaths)
kill_worker || fail "a worker serves"
eventually 5 died_since "$before" 1 || fail "its death is logged"
before=$(deaths)
expect_fail 1 'Input/output error' mkdir "$T/view/load/poison"
equal "three workers died of it" 3 $(($(deaths) - before))
check "it is said" grep -q 'gets EIO that was at hand at .*: MKDIR of node' "$T/log"
check "all else is served" touch "$T/view/load/file"
: >"$wish"
kill_worker || fail "a worker serves"
check "as is the same, once it kills no more" mkdir "$T/view/load/poison"
unmount_view "$T/view"
rm -rf "$T/containerdata/user-toto/load"

echo "# and one that waits meanwhile"
mount_crash_view threads=4
install -m 644 -o 1500 -g 1500 /dev/null "$T/containerdata/user-toto/load/leased"
echo poison:1:9 >"$wish"
kill_worker || fail "a worker serves"
hold_lease "$T/containerdata/user-toto/load/leased"
echo text >>"$T/view/load/leased" &
innocent=$!
sleep 0.5
expect_fail 1 'Input/output error' mkdir "$T/view/load/poison"
end_lease
ended_well "who only waited gets on" "$innocent"
equal "and writes once" text "$(cat "$T/view/load/leased")"
: >"$wish"
kill_worker || fail "a worker serves"
unmount_view "$T/view"
rm -rf "$T/containerdata/user-toto/load"

echo "# a journal that nobody reads"
use_cvfsd cvfsd-nojournal "$wish"
mount_crash_view
echo executed:40 >"$wish"
kill -KILL "$(worker)"
if load 5 3; then fail "without the journal the load fails"; else ok "without the journal the load fails"; fi
unexpected | sed 's/^/      /' | head -n 8
echo "      $(summary)"
: >"$wish"
unmount_view "$T/view"
