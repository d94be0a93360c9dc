#!/bin/bash
# Few descriptors, and a backing filesystem without file handles, so that each inode that the kernel knows
# takes one: looking up more of them fails, the view goes on, and so do its processes.
ulimit -n 1024
# shellcheck source-path=SCRIPTDIR source=../support/upgrade_env.sh
source "$(dirname "$0")/../support/upgrade_env.sh"

readonly layers=$T/containerdata/layers
mkdir -p "$layers/lower" "$layers/upper" "$layers/work"
(cd "$layers/lower" && seq -f 'file%g' 3000 | xargs touch)
chown -R 1500:1500 "$layers/lower" "$layers/upper"
mount -t overlay -o "lowerdir=$layers/lower,upperdir=$layers/upper,workdir=$layers/work" \
  overlay "$T/containerdata/user-toto" || skip "no overlay filesystem here"

use_upgradable_builds

echo "# a mount with too few to begin with is refused, and leaves nothing"
mount_with() { # LIMIT
  timeout 10 prlimit --nofile="$1:$1" mount -t cvfs toto "$T/view" -o "containerdata=$T/containerdata,userns=@dockremap"
}
answers() { # with an error, perhaps
  local code=0
  timeout 10 touch "$T/view/file7" || code=$?
  ((code != 124))
}
served=0
for limit in {6..40}; do
  if mount_with "$limit" 2>"$T/err"; then
    served=$((served + 1))
    answers 2>/dev/null || fail "with $limit, it answers" "$(tail -n 3 "$T/log")"
    unmount_view "$T/view" || fail "with $limit, it unmounts"
  elif ! grep -q 'Too many open files' "$T/err"; then
    fail "with $limit, it says why not" "$(cat "$T/err")"
  fi
  if is_mounted "$T/view"; then fail "with $limit, nothing stays mounted" "$(umount -l "$T/view" 2>&1)"; fi
  eventually 5 no_daemon || fail "with $limit, no process is left" "$(show_daemons)"
done
check "with more it serves" test "$served" -gt 10
echo "      with 6 to 40, $served serve"

mount_crash_view
eventually 5 is_complete || fail "there are a supervisor, a worker and a standby" "$(show_daemons)"
descriptors() { find "/proc/$(supervisor)/fd" -mindepth 1 | wc -l; }
known() { find "$T/view" -maxdepth 1 -name 'file*' -size -1 -printf . 2>/dev/null | wc -c; }
# What others make the kernel forget (drop_caches is the machine's) could not be looked up again.
exec 8<"$T/view/file7" 9<"$T/view/load"
cd "$T/view" || exit 1

echo "# more files than there are descriptors"
equal "all are listed" 3000 "$(find . -maxdepth 1 -name 'file*' | wc -l)"
stat file{1..3000} >/dev/null 2>"$T/err"
equal "some cannot be looked up" 'Too many open files in system' "$(sed 's/.*: //' "$T/err" | sort -u)"
count=$(known)
check "hundreds are known" test "$count" -gt 300
check "not as many as there are" test "$count" -lt 1000
check "descriptors are left" test "$(descriptors)" -lt 900
equal "it is said once" 1 "$(grep -c 'no more files can be known' "$T/log")"

if touch new 2>/dev/null; then fail "nor can another be made"; fi
check "of which nothing is left" test ! -e "$T/containerdata/user-toto/new"
check "one that is known can be removed" rm file8
check "and another be made then" touch new

others_go_on() {
  eventually 5 is_complete || fail "one of each is there" "$(show_daemons)"
  check "what is open is read" cat <&8
  check "what is known is there" stat file7
  check "a directory can be listed" ls load
  check "status is told" "$CVFS_BIN/cvfs" status "$T/view"
  known >/dev/null
}
others_go_on

echo "# the worker dies"
kill_worker || fail "another serves"
others_go_on
kill_worker || fail "another serves"

echo "# the supervisor dies"
kill -KILL "$(supervisor)"
others_go_on

echo "# both others die"
kill -KILL "$(supervisor)" "$(standby)"
others_go_on

echo "# an upgrade"
check "goes on" upgrade_by command
others_go_on

echo "# the kernel forgets"
echo 2 >/proc/sys/vm/drop_caches
check "others can be known then" stat file2500
cd / || exit 1
exec 8<&- 9<&-
check "umount ends all" unmount_view "$T/view"
eventually 5 umount "$T/containerdata/user-toto" || fail "nothing keeps the overlay busy"
