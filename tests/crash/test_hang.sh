#!/bin/bash
# A worker that hangs over a request is reported with its threads' stacks and replaced: whoever asked
# gets the right answer, late. One request that every worker hangs over gets EIO, alone.
# shellcheck source-path=SCRIPTDIR source=../support/crash_env.sh
source "$(dirname "$0")/../support/crash_env.sh"

readonly wish=$T/wish

said() { tail -n +"$log_start" "$T/log" | grep -qE "$1"; } # REGEX
shows_log() { tail -n +"$log_start" "$T/log" | sed 's/^/      /' | cut -c1-200; }

# Workers that come from now on do that.
wish_for() { # WISH
  echo "$1" >"$wish"
  kill_worker || fail "a worker serves"
}

finish() {
  : >"$wish"
  unmount_view "$T/view" || fail "it unmounts"
  rm -rf "$T/containerdata/user-toto/load"
}

: >"$wish"
use_cvfsd cvfsd-crashtest "$wish"

for kind in hang spin; do
  echo "# $kind: a MKDIR at its intent"
  mount_crash_view hang=1
  wish_for "$kind:1:9"
  before=$(deaths)
  check "the caller gets its directory" mkdir "$T/view/load/dir"
  check "which is there" test -d "$T/containerdata/user-toto/load/dir"
  expect_fail 1 'File exists' mkdir "$T/view/load/dir"
  check "the worker was replaced" eventually 5 test "$(deaths)" -gt "$before"
  check "the request is reported" eventually 5 said 'MKDIR of node [0-9]+ \(request [0-9]+\) is at hand for [0-9.]+ s in thread'
  check "with a stack that names the operation" eventually 5 said '#[0-9]+ cvfs::op_mkdir\('
  shows_log | head -n 12
  finish
done

echo "# a MKDIR that every worker hangs over, and what others do meanwhile"
mount_crash_view hang=1
wish_for stuck:1:9
timeout 60 mkdir "$T/view/load/stuck" 2>"$T/err" &
maker=$!
count=0
while is_running "$maker"; do
  if ! echo "$count" >"$T/view/load/file$count" || ! rm "$T/view/load/file$count"; then
    fail "another caller is served"
  fi
  count=$((count + 1))
done
if wait "$maker"; then fail "it gets EIO"; fi
equal "it gets EIO" 1 "$(grep -c 'Input/output error' "$T/err")"
check "others were served" test "$count" -gt 0
check "it is said, with what is known of it" eventually 5 said \
  'gets EIO that was at hand at 3 deaths, 3 of them faults or hangs: MKDIR of node .*, asked by process .* as 0:0, .*stuck'
equal "after three hangs" 3 "$(tail -n +"$log_start" "$T/log" | grep -c 'MKDIR of node .* is at hand for')"
finish

if [[ $BACKING == @(ext4|xfs|btrfs) ]]; then # a filesystem of our own: never freeze the machine's
  echo "# a backing filesystem that does not answer: no other worker would help"
  mount_crash_view hang=1
  before=$(deaths)
  fsfreeze --freeze "$T/containerdata"
  mkdir "$T/view/load/dir" &
  maker=$!
  check "it is reported" eventually 5 said 'MKDIR of node .* is at hand for .* cannot be interrupted .state D.; in the kernel: '
  sleep 2
  fsfreeze --unfreeze "$T/containerdata"
  ended_well "and gets on when it answers" "$maker"
  equal "nobody is replaced" "$before" "$(deaths)"
  equal "it was said once" 1 "$(tail -n +"$log_start" "$T/log" | grep -c 'MKDIR of node .* is at hand for')"
  finish
fi

echo "# a worker that somebody stops while it has nothing to do"
mount_crash_view hang=1
stopped=$(worker)
kill -STOP "$stopped"
check "it is reported" eventually 5 said "worker $stopped is stopped .state T."
touch "$T/view/load/late" &
toucher=$!
sleep 2
check "and left as it is" is_running "$toucher"
equal "it is the same worker" "$stopped" "$(worker)"
equal "it was said once" 1 "$(tail -n +"$log_start" "$T/log" | grep -c 'is stopped')"
kill -CONT "$stopped"
ended_well "who waited gets on" "$toucher"
finish

echo "# threads that hang now and then under load"
mount_crash_view hang=1
wish_for hang:2000
check "nobody notices" load 8 3
[[ -z $(unexpected) ]] || fail "answers" "$(unexpected)"
check "workers were replaced indeed" said 'is at hand for'
echo "      $(summary)"
finish

echo "# hang=0"
mount_crash_view hang=0
wish_for hang:1:9
mkdir "$T/view/load/dir" &
maker=$!
sleep 2
check "nobody looks" is_running "$maker"
: >"$wish"
kill_worker || fail "a worker serves"
ended_well "until somebody does" "$maker"
if said 'is at hand'; then fail "nothing is reported"; else ok "nothing is reported"; fi
finish
