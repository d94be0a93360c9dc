#!/bin/bash
# Whoever dies while a view is handed over to another build, or whatever that build does: somebody goes
# on with the view.
# shellcheck source-path=SCRIPTDIR source=../support/upgrade_env.sh
source "$(dirname "$0")/../support/upgrade_env.sh"

use_upgradable_builds
mount_crash_view
readonly leased=$T/containerdata/user-toto/load/leased
install -m 644 -o 1500 -g 1500 /dev/null "$leased"

# A build that understands the state, and fails when it is to go on with it.
# shellcheck disable=SC2016,SC2154
printf '#!/bin/sh\ncase $1 in --check*) exec "%s" "$1";; esac\nexit 3\n' "$installed" >"$T/fails"
chmod 755 "$T/fails"
said() { grep -cE "$1" "$T/log"; } # REGEX
are_dead() { # PID...
  local pid
  for pid; do ! is_running "$pid" || return; done
}
says_more_than() { (($(said "$1") > $2)); } # REGEX COUNT

echo "# the standby is dead when the view is handed over to a build that fails"
for attempt in 1 2 3; do
  eventually 5 is_complete || fail "one of each is there" "$(show_daemons)"
  hold_lease "$leased"
  echo "$attempt" >>"$T/view/load/leased" & # so that the worker takes its time to end
  waiting=$!
  sleep 0.3
  drains=$(said 'the worker ends')
  stopped=$(supervisor)
  victims=("$(worker)" "$(standby)")
  "$CVFS_BIN/cvfs" upgrade "$T/view" --cvfsd "$T/fails" >"$T/asked" 2>&1 &
  asking=$!
  until says_more_than 'the worker ends' "$drains"; do is_running "$asking" || break; done
  kill -STOP "$stopped"
  if [[ $(readlink "/proc/$stopped/exe") == "$installed" ]]; then
    kill -KILL "${victims[@]}"
    eventually 5 are_dead "${victims[@]}" # all at once may not die
  else
    echo "      too late: it was handed over before"
  fi
  kill -CONT "$stopped"
  end_lease
  wait "$asking"
  check "attempt $attempt: it is told how that ended" grep -q 'the other build did not come to serve' "$T/asked"
  check "and the view is served on" timeout 10 touch "$T/view/load/file$attempt"
  ended_well "who waited gets on" "$waiting"
done
equal "and each wrote once" "1 2 3" "$(paste -sd' ' "$leased")"
check "one of each is there" eventually 5 is_complete
check "an upgrade succeeds afterwards" upgrade_by command
check "umount ends all" unmount_view "$T/view"
