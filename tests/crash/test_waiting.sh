#!/bin/bash
# A request that waits, for as long as somebody holds a lease, holds nobody else: not when the worker
# dies over it, nor when the processes do that would replace the worker.
# shellcheck source-path=SCRIPTDIR source=../support/upgrade_env.sh
source "$(dirname "$0")/../support/upgrade_env.sh"

use_upgradable_builds
mount_crash_view threads=16
readonly tree=$T/containerdata/user-toto/load
waiting=()

# Opens that wait, of files with a lease each; others are served meanwhile.
begin_waiting() { # NAME...
  local name
  waiting=()
  for name; do install -m 644 -o 1500 -g 1500 /dev/null "$tree/$name"; done
  hold_lease "${@/#/$tree/}"
  for name; do
    echo text >>"$T/view/load/$name" &
    waiting+=($!)
  done
  sleep 0.5
  check "others are served while it waits" timeout 10 touch "$T/view/load/before"
}

# The view serves, although they still wait; then they get on, once each.
others_are_served() { # NAME...
  local name process
  check "others are served after it" timeout 10 mkdir "$T/view/load/after"
  check "more than once" timeout 10 rmdir "$T/view/load/after"
  check "by all processes that there ought to be" eventually 5 is_complete
  for process in "${waiting[@]}"; do is_running "$process" || fail "it waits as before"; done
  end_lease
  for process in "${waiting[@]}"; do ended_well "who waited gets on" "$process"; done
  for name; do
    equal "and writes once" text "$(cat "$tree/$name")"
    rm "$tree/$name"
  done
}

echo "# the worker dies"
begin_waiting leased
kill_worker || fail "another serves"
others_are_served leased

echo "# the worker dies over several, and the next one again"
begin_waiting one two three
kill_worker || fail "another serves"
kill_worker || fail "and another"
others_are_served one two three

echo "# the worker dies over more of them"
begin_waiting {1..6}
kill_worker || fail "another serves"
others_are_served {1..6}

echo "# supervisor and standby die"
begin_waiting leased
kill -KILL "$(supervisor)" "$(standby)"
others_are_served leased

echo "# the supervisor dies while the worker ends for an upgrade"
begin_waiting leased
drains=$(grep -c 'the worker ends' "$T/log")
stopped=$(supervisor)
"$CVFS_BIN/cvfs" upgrade "$T/view" >"$T/asked" 2>&1 &
asking=$!
until (($(grep -c 'the worker ends' "$T/log") > drains)); do is_running "$asking" || break; done
kill -KILL "$stopped"
wait "$asking"
others_are_served leased

echo "# so do both that would go on"
begin_waiting leased
drains=$(grep -c 'the worker ends' "$T/log")
stopped=("$(supervisor)" "$(standby)")
"$CVFS_BIN/cvfs" upgrade "$T/view" >"$T/asked" 2>&1 &
asking=$!
until (($(grep -c 'the worker ends' "$T/log") > drains)); do is_running "$asking" || break; done
kill -KILL "${stopped[@]}"
wait "$asking"
check "who asked hears that it is not upgraded" grep -q 'the view is served on' "$T/asked"
others_are_served leased

echo "# an upgrade"
begin_waiting leased
check "goes on" upgrade_by command
others_are_served leased
echo "      $(summary)"
check "umount ends all" unmount_view "$T/view"
