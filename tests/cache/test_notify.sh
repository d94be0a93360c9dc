#!/bin/bash
# cache=notify: what the host and other views change is seen, whatever changes and whoever dies.
. "${CVFS_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/view_env.sh"
# shellcheck source-path=SCRIPTDIR source=../support/cache_env.sh
. "$CVFS_SOURCE/tests/support/cache_env.sh"
use_test_programs
tree=$T/containerdata/user-toto/data
view=$T/view
second=$T/second
set +e

size_is() { [[ $(stat -c %s "$1" 2>&1) == "$2" ]]; }
lookups() { field_of requests.by_opcode.LOOKUP.answered; }
is_remembered() { # PATH...: a second look at them, later than any timeout, costs no request
  local before
  stat "$@" >/dev/null 2>&1
  before=$(lookups)
  sleep 1.5
  stat "$@" >/dev/null 2>&1
  [[ $(lookups) == "$before" ]]
}

echo "# by default"
mount_view toto:/data "$view" "$as_root"
equal "a view of a local filesystem is watched" notify "$(field_of cache)"
echo text >"$tree/f"
check "a new file is there" eventually 1 test -e "$view/f"
check "what nobody changes any more is not asked for again" eventually 5 is_remembered "$view/f" "$view/missing"
echo more >>"$tree/f"
check "a file that grows is seen" eventually 1 size_is "$view/f" 10
: >"$tree/missing"
check "a name that was missing is seen" eventually 1 test -e "$view/missing"
setfattr -n user.k -v one "$tree/f" && setfattr -n user.k -v two "$tree/f"
equal "extended attributes are never old" two "$(getfattr --only-values -n user.k "$view/f")"
setfacl -m u:1234:rw "$tree/f"
acl_is_seen() { getfacl -n "$view/f" 2>/dev/null | grep -q ':1234:\|^user:[0-9]*:rw-'; }
check "an ACL is seen" eventually 1 acl_is_seen
mkdir -p "$tree/a/b" && stat "$view/a/b" >/dev/null
mv "$tree/a" "$tree/c"
check "a directory that is renamed is gone" eventually 1 test ! -e "$view/a/b"
check "and is there by its new name" test -e "$view/c/b"

# Its own events are passed over: what the kernel does not refresh by itself would stay old.
echo "# what the view itself changes"
changed_at_is_right() { [[ $(stat -c %Z "$view/own") == "$(stat -c %Z "$tree/own")" ]]; }
echo text >"$view/own"
sleep 1.2
stat "$view/own" >/dev/null
chattr +d "$view/own"
check "chattr(1) changes the time that is shown" changed_at_is_right
maps_and_stores() {
  python3 - "$view/own" "$tree/own" <<'PYTHON'
import mmap, os, sys, time
fd = os.open(sys.argv[1], os.O_RDWR)
mapping = mmap.mmap(fd, 4)
os.close(fd)
time.sleep(1.2)
os.stat(sys.argv[1])
mapping[0:4] = b"mine"
time.sleep(1.2)
assert os.stat(sys.argv[1]).st_mtime_ns == os.stat(sys.argv[2]).st_mtime_ns
PYTHON
}
check "a store by a mapping shows in the times within a second" maps_and_stores

echo "# a file that the host removes gives its blocks back"
used() { sync -f "$tree" && df --output=used "$tree" | tail -n 1; }
blocks_are_back() { (($(used) < before_removal - 40000)); }
dd if=/dev/zero of="$tree/big" bs=1M count=50 status=none
cat "$view/big" >/dev/null
before_removal=$(used)
rm "$tree/big"
check "at once, though the view had read it" eventually 1 blocks_are_back

echo "# hammered by the host"
for options in "" ,passthrough=off ,owner=virtual; do
  unmount_view
  mount_view toto:/data "$view" "$as_root$options"
  hammer "nothing old is shown${options:+ with ${options#,}}" "$tree" "$view" 8
done

echo "# by another view"
unmount_view
mount_view toto:/data "$view" "$as_root"
mount_view toto:/data "$second" "$as_root"
hammer "what another view changes is seen" "$second" "$view" 8
unmount_view "$second"

echo "# while workers are killed"
kill_workers_until "$T/stop" &
killer=$!
hammer "nothing old is shown" "$tree" "$view" 15
touch "$T/stop"
wait "$killer"
rm -f "$T/stop"
check "workers had been killed" test "$(field_of restarts.worker)" -gt 10

echo "# over upgrades"
upgrade_until() {
  until [[ -e $1 ]]; do "$CVFS_BIN/cvfs" upgrade "$view" >/dev/null 2>&1; sleep 0.5; done
}
upgrade_until "$T/stop" &
upgrader=$!
hammer "nothing old is shown" "$tree" "$view" 10
touch "$T/stop"
wait "$upgrader"
check "there were upgrades" test "$(field_of restarts.upgrades)" -gt 3
equal "the view is watched still" notify "$(field_of cache)"
