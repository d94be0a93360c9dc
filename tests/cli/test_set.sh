#!/bin/bash
# cvfs set: a setting of a view that serves is another one from now on, in all of its processes, over deaths and
# upgrades; debug=ops says what is asked and as whom.
# shellcheck source-path=SCRIPTDIR source=../support/upgrade_env.sh
source "$(dirname "$0")/../support/upgrade_env.sh"

readonly cvfs=$CVFS_BIN/cvfs
tree=$T/containerdata/user-toto
use_test_programs

status_of() { "$cvfs" status --json toto | python3 -c 'import json, sys; print(json.load(sys.stdin)[0][sys.argv[1]])' "$1"; }
change() { "$cvfs" set toto "$@"; }
line_of() { grep -F "ops: $1" "$T/log" | tail -n 1; }
has_said() { line_of "$1" | grep -qF -- "$2"; } # REQUEST TEXT
says() { # SENTENCE REQUEST TEXT
  if eventually 3 has_said "$2" "$3"; then ok "$1"; else fail "$1" "expected: $3" "got: $(line_of "$2")"; fi
}
logged() { eventually 3 grep -qF -- "$1" "$T/log"; }

use_upgradable_builds
echo "# the log"
mount_crash_view "log=warning"
equal "what it was mounted with" warning "$(status_of log)"
equal "is another from now on" "$T/view: log warning -> debug" "$(change log-level debug)"
equal "and that is shown" debug "$(status_of log)"
kill_worker || fail "a worker serves"
equal "over a worker's death" debug "$(status_of log)"

echo "# debug=ops"
mkdir -m 1777 "$T/view/load/d"
check "is switched on" change debug ops
in_container 1000:7 mkdir "$T/view/load/d/mine"
says "a request is logged with its name" 'MKDIR' '"mine" by process'
says "with its ids before and after translation" 'MKDIR' ": host 101000:100007, container 1000:7, disk 200999:200006: ok, "
in_container 0 stat "$T/view/load/d/none" >/dev/null 2>&1
says "root is the tenant on disk" 'LOOKUP' "host 100000:100000, container 0:0, disk 1500:1500: "
as_uid 5 5 stat "$T/view/load/d/foreign" >/dev/null 2>&1
says "who is in no container has no id there" 'LOOKUP' "host 5:5, container -:-, disk -:-: "
rmdir "$T/view/load/d/"$'new\nline' 2>/dev/null
says "no name begins a line" LOOKUP '"new?line"'
for number in {1..1500}; do [[ -e $T/view/load/d/miss$number ]]; done
sleep 1.1
[[ -e $T/view/load/d/last ]]
check "a flood is not logged whole" logged "requests were not logged in the second before"
check "is switched off" change debug off
[[ -e $T/view/load/d/silent ]]
sleep 0.2
check "and nothing more is said" bash -c "! grep -q silent '$T/log'"

echo "# over an upgrade"
check "the view goes on with another build" "$cvfs" upgrade toto --cvfsd "$CVFS_BIN/cvfsd-next"
equal "with what was set" "debug off" "$(status_of log) $(status_of debug)"
unmount_view
mount_crash_view "log=warning,debug=ops"
mkdir "$T/view/load/there"
equal "a new mount has its own" "warning ops" "$(status_of log) $(status_of debug)"
unmount_view

echo "# the cache"
mount_crash_view "cache=ttl:600"
for number in {1..40}; do echo 1 >"$tree/load/f$number"; done
stat "$T/view/load/"[fg]* >/dev/null
for number in {1..40}; do echo longer >"$tree/load/f$number"; done
equal "it believes what it may" 2 "$(stat -c %s "$T/view/load/f1")"
equal "it is to believe nothing" "$T/view: cache ttl:600.0 -> none" "$(change cache none)"
all_are() { [[ $(stat -c %s "$T/view/load/"f* | sort -u) == "$1" ]]; }
check "what it believed it asks for again" eventually 3 all_are 7
for number in {1..40}; do : >"$tree/load/f$number"; done
check "and believes nothing any more" all_are 0
mv "$tree/load/f1" "$tree/load/g"
check "of names, too" test ! -e "$T/view/load/f1"
equal "and back" "$T/view: cache none -> ttl:600.0" "$(change cache auto)"
# It may still be telling the kernel to ask again.
believes() {
  local before
  before=$(stat -c %s "$T/view/load/g")
  echo 22 >>"$tree/load/g"
  [[ $(stat -c %s "$T/view/load/g") == "$before" ]]
}
check "it believes as before" eventually 5 believes
unmount_view
mount_crash_view "cache=notify"
change cache none >/dev/null
echo 1 >"$tree/load/f"
each_is_seen() { local size; for size in {1..200}; do truncate -s "$size" "$tree/load/f"; [[ $(stat -c %s "$T/view/load/f") == "$size" ]] || return; done; }
check "what is watched can be asked each time" each_is_seen
equal "which is shown" "none (mounted with notify)" "$(status_of cache)"
kill_worker || fail "a worker serves"
check "by the next worker, too" each_is_seen
unmount_view

echo "# what cannot be"
mount_crash_view "cache=ttl:1"
expect_fail 1 "owner: cannot be changed while the view is mounted" change owner virtual
expect_fail 1 "cache=notify: this view was mounted without a watch" change cache notify
expect_fail 1 "log=loud: not error, warning, info or debug" change log loud
expect_fail 1 "one value at a time" change log "info,debug=ops"
expect_fail 32 "no such view" "$cvfs" set /srv/none log info
equal "--json says what was" "log info debug" \
  "$(change log debug --json | python3 -c 'import json, sys; a = json.load(sys.stdin)[0]; print(a["name"], a["was"], a["is"])')"
unmount_view
mount_crash_view "owner=caller"
expect_fail 1 "cache: is always none with owner=caller" change cache ttl:5
