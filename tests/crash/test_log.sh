#!/bin/bash
# Nobody reads the log: the view does not wait for that, and its processes are replaced as ever. What could
# not be said is counted, and said later.
# shellcheck source-path=SCRIPTDIR source=../support/upgrade_env.sh
source "$(dirname "$0")/../support/upgrade_env.sh"

use_upgradable_builds
mount_crash_view
eventually 5 is_complete || fail "there are a supervisor, a worker and a standby" "$(show_daemons)"
reader=$(pgrep -f 'listener.bind')
kill -STOP "$reader"

is_replaced() { [[ -n $(worker) && $(worker) != "$1" ]]; } # PID
for death in {1..15}; do # of which each is told in two lines
  victim=$(worker)
  kill -KILL "$victim"
  eventually 5 is_replaced "$victim" || fail "worker $death is replaced" "$(show_daemons)"
  ((${failures:?} == 0)) || break
  timeout 10 touch "$T/view/load/file$death" || fail "the view serves after death $death"
done
ok "fifteen workers died"
kill -KILL "$(supervisor)"
check "the supervisor dies" eventually 5 is_complete
check "the view is upgraded" timeout 20 "$CVFS_BIN/cvfs" upgrade "$T/view"
check "and serves" timeout 10 touch "$T/view/load/after"
lines=$(wc -l <"$T/log")

kill -CONT "$reader"
has_more_lines() { (($(wc -l <"$T/log") > lines)); }
eventually 5 has_more_lines
check "a worker's death is logged again" kill_worker
check "with what could not be" grep -qE '[0-9]+ lines could not be logged' "$T/log"
check "umount ends all" unmount_view "$T/view"
