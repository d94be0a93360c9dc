#!/bin/bash
# Any one of a view's processes may die: supervisor, worker and standby, one after the other at random,
# while programs use the view as hard as they can and check every answer. None of them notices.
# shellcheck source-path=SCRIPTDIR source=../support/upgrade_env.sh
source "$(dirname "$0")/../support/upgrade_env.sh"

readonly kinds=(supervisor worker standby)
# One of each is to be there when one is killed: all at once may not die.
kill_one() { # KIND
  local victim
  eventually 2 is_complete || { echo "after 2 s there is not one of each: $(show_daemons)"; return; }
  victim=$("$1") && kill -KILL "$victim"
}
descriptors() { find "/proc/$(supervisor)/fd" -mindepth 1 | wc -l; }
few_more_descriptors_than() { (($(descriptors) <= $1 + 4)); } # COUNT

mount_crash_view
eventually 5 is_complete || fail "there are a supervisor, a worker and a standby" "$(show_daemons)"
before=$(descriptors)
load 13 4 &
load=$!
faults=$(for i in {1..40}; do
  kill_one "${kinds[RANDOM % 3]}"
  sleep "0.$((100 + RANDOM % 200))"
done)
equal "each was replaced in time" "" "$faults"
check_load "nobody notices forty deaths" "$load"
echo "      $(summary)"
check "one of each is there in the end" eventually 5 is_complete
forget_everything
check "descriptors do not pile up" eventually 5 few_more_descriptors_than "$before"
check "the view serves on" load 1 2

echo "# one kind at a time"
for kind in "${kinds[@]}"; do
  load 4 3 &
  load=$!
  faults=$(for i in {1..10}; do
    kill_one "$kind"
    sleep "0.$((100 + RANDOM % 200))"
  done)
  equal "ten deaths of the $kind: it was replaced in time" "" "$faults"
  check_load "nobody notices" "$load"
done

echo "# the worker is left alone"
unmount_view "$T/view" && mount_crash_view
load 6 3 &
load=$!
faults=$(for i in {1..8}; do
  eventually 5 is_complete || { echo "after 5 s there is not one of each: $(show_daemons)"; continue; }
  kill -KILL "$(supervisor)" "$(standby)"
  sleep "0.$((200 + RANDOM % 200))"
done)
equal "it starts the others again" "" "$faults"
check_load "nobody notices" "$load"
check "one of each is there" eventually 5 is_complete
# A pidfd that gets such a number would be taken for none.
check "none of them has closed 0, 1 or 2" test -e "/proc/$(worker)/fd/0" -a -e "/proc/$(worker)/fd/1" -a -e "/proc/$(worker)/fd/2"

echo "# a worker that comes late to see that its supervisor died"
# Meanwhile the successor has closed what the worker waited for, and opened something else by its number.
hog_first_cpu() { # for 0.3 s
  chrt -f 1 taskset -c 0 python3 -c 'import time
end = time.monotonic() + 0.3
while time.monotonic() < end: pass'
}
eventually 5 is_complete
if chrt -f 1 true 2>/dev/null && taskset -p -c 0 "$(worker)" >/dev/null; then
  hog_first_cpu &
  hog=$!
  sleep 0.1
  kill -KILL "$(supervisor)"
  wait "$hog"
  eventually 5 is_complete || fail "the standby goes on in its place" "$(show_daemons)"
  kill -KILL "$(supervisor)" "$(standby)"
  check "it notices when the next one and its standby die" eventually 5 is_complete
fi

echo "# the supervisor dies while the standby is stopped"
eventually 5 is_complete
stopped=$(standby)
is_gone() { ! is_running "$stopped"; }
kill -STOP "$stopped"
kill -KILL "$(supervisor)"
check "the worker goes on" eventually 8 is_gone
check "and one of each is there" eventually 5 is_complete

echo "# asked to end while the view is busy"
(cd "$T/view" && exec sleep 1000) &
busy=$!
said_before=$(grep -c 'asked to end' "$T/log")
has_refused() { (($(grep -c 'asked to end' "$T/log") > said_before)); }
eventually 5 is_complete
mapfile -t processes < <(view_processes)
kill -TERM "${processes[@]}" # as who ends a whole session, or a service, does
check "it refuses" eventually 5 has_refused
kill -KILL "$busy"
kill -KILL "$(supervisor)"
eventually 5 is_complete || fail "the standby that goes on, and the others, are there" "$(show_daemons)"
check "does not do it afterwards" is_mounted "$T/view"
mapfile -t processes < <(processes_named 'cvfsd-worker|cvfsd-standby')
kill -TERM "${processes[@]}"
kill -KILL "$(supervisor)" "$(standby)"
check "the worker that goes on" eventually 5 is_complete
check "does not either" is_mounted "$T/view"

echo "# umount in the moment of a death"
for kind in "${kinds[@]}"; do
  "$kind" >/dev/null && kill -KILL "$("$kind")"
  umount "$T/view" || fail "it unmounts"
  check "the death of the $kind: all end" eventually 5 no_daemon
  mount_crash_view
done
check "umount ends all" unmount_view "$T/view"
check "no process is left" no_daemon
