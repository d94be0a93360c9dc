#!/bin/bash
# Two builds of cvfsd take turns under load, by `cvfs upgrade` and by SIGHUP: no program notices. What
# cannot take a view over is refused, and the running build serves on.
# shellcheck source-path=SCRIPTDIR source=../support/upgrade_env.sh
source "$(dirname "$0")/../support/upgrade_env.sh"

use_upgradable_builds
mount_crash_view
eventually 5 is_complete || fail "there are a supervisor, a worker and a standby" "$(show_daemons)"
before=$(version_of "$installed")
equal "the view says which build serves it" "$before" "$(served_version)"

echo "# twenty upgrades under load"
load 12 4 &
load=$!
equal "each succeeds: it says so, and all of its processes are of that build" "" "$(take_turns 20)"
check_load "nobody notices" "$load"
echo "      $(summary)"

echo "# while processes die"
load 8 4 &
load=$!
kill_until_ended "$load" 150 500 supervisor worker standby &
killer=$!
take_turns 8 >"$T/turns.out" # one that meets a death may fail, if it says so
wait "$killer"
check_load "nobody notices" "$load"
sed 's/^/      /' "$T/turns.out"
install_build cvfsd-next
check "afterwards it is upgraded as ever" upgrade_by command
check "by a signal, too" eval 'install_build cvfsd && upgrade_by signal'

echo "# what cannot take it over"
write_program() { # NAME TEXT
  printf '%b' "$2" >"$T/$1"
  chmod 755 "$T/$1"
}
write_program text 'no program at all\n'
write_program ends '#!/bin/sh\nexit 0\n'
write_program fails '#!/bin/sh\nexit 3\n'
write_program hangs '#!/bin/sh\nexec sleep 1000\n'
serving=$(served_version)
processes=$(view_processes | sort | paste -sd' ')
load 26 3 &
load=$!
for bad in "$T/text" "$T/ends" "$T/fails" "$T/hangs" "$T/missing"; do
  expect_fail 2 'cannot' "$CVFS_BIN/cvfs" upgrade "$T/view" --cvfsd "$bad"
  equal "${bad##*/}: the running build serves on" "$serving" "$(served_version)"
done
install_build "$T/ends"
kill -HUP "$(supervisor)"
check "by a signal it is logged" eventually 5 grep -q "$installed: this build cannot take the view over" "$T/log"
equal "it serves on" "$serving" "$(served_version)"
install_build cvfsd
check_load "nobody notices" "$load"
equal "with the processes that it had" "$processes" "$(view_processes | sort | paste -sd' ')"
check "and is upgraded afterwards" eval 'install_build cvfsd-next && upgrade_by command'

echo "# to a newer layout of the state, and not back"
load 6 4 &
load=$!
sleep 1
install_build cvfsd-newlayout
check "the newer build brings the state to its layout" upgrade_by command
kill -KILL "$(worker)"
sleep 0.5
kill -KILL "$(supervisor)"
sleep 0.5
install_build cvfsd
expect_fail 2 'has version .*, this build knows none after' "$CVFS_BIN/cvfs" upgrade "$T/view"
equal "the newer build serves on" 9.9.9-newlayout "$(served_version)"
install_build cvfsd-newlayout
check "and is upgraded to itself" upgrade_by command
check_load "nobody notices" "$load"

if [[ $BACKING == @(ext4|xfs|btrfs) ]]; then # a filesystem of our own: never freeze the machine's
  echo "# a worker that is killed while it claims a directory"
  mkdir "$T/view/load/fresh"
  fsfreeze -f "$T/containerdata"
  mkdir "$T/view/load/fresh/dir" 2>"$T/err" &
  maker=$!
  sleep 0.5
  kill -HUP "$(supervisor)"
  sleep 1
  fsfreeze -u "$T/containerdata"
  code=0
  wait "$maker" || code=$?
  equal "its lock does not outlive it" "0: " "$code: $(cat "$T/err")"
fi

echo "# who began it does not see its end"
is_checked() { pgrep -f '^sleep 1000$'; }
is_not_checked() { ! is_checked; }
is_said() { grep -q 'the view is served on' "$T/asked"; }
begin_check() { # by a build that hangs
  eventually 5 is_complete
  "$CVFS_BIN/cvfs" upgrade "$T/view" --cvfsd "$T/hangs" >"$T/asked" 2>&1 &
  eventually 5 is_checked || fail "a build is checked" "$(cat "$T/asked")"
}
begin_check
kill -KILL "$(supervisor)"
check "the supervisor dies: who asked hears of it" eventually 5 is_said
check "and the check ends" eventually 2 is_not_checked
begin_check
check "umount ends all" unmount_view "$T/view"
check "no process is left" no_daemon
check "and no helper of an upgrade" eventually 2 is_not_checked
