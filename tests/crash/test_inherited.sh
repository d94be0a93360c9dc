#!/bin/bash
# Nothing that a process inherits reaches the containers: limits and pipes of whoever mounted, the
# credentials of whoever was served last. And nobody holds a lock longer because an upgrade copies it.
# shellcheck source-path=SCRIPTDIR source=../support/crash_env.sh
source "$(dirname "$0")/../support/crash_env.sh"

readonly ours=containerdata=$T/containerdata,userns=@dockremap
view=$T/view
writes() { timeout 10 touch "$view/load/$1"; } # NAME

echo "# who has served another when the worker died"
readonly wish=$T/wish
: >"$wish"
use_cvfsd cvfsd-crashtest "$wish"
tree=$T/containerdata/user-toto/load
chmod 0755 "$T/containerdata/user-toto"
install -d -m 1777 "$tree"
mount_view toto "$view" userns=host,storeuid=0,storegid=0
touch "$view/load/before"
echo "executed:1:35" >"$wish" # a create that is sent again
kill_worker
as_uid 1000 1000 touch "$view/load/meanwhile"
sleep 0.3
: >"$wish"
check "root can make a file then" writes roots
equal "it is root's" 0:0 "$(stat -c %u:%g "$tree/roots")"
unmount_view "$view"
rm -r "$tree"

use_cvfsd cvfsd
echo "# a limit for files where it was mounted"
# shellcheck disable=SC2016
bash -c 'ulimit -S -f 16384; mount -t cvfs toto "$1" -o "$2"' mount "$view" "$ours"
install -d -m 1777 "$view/load"
check "a longer one can be made" truncate -s 1G "$view/load/long"
unmount_view "$view"

echo "# in the foreground, and nobody reads what it says"
("$CVFS_BIN/cvfsd" toto "$view" -o "$ours" 2>&1 | head -n 1 >/dev/null) &
eventually 5 is_mounted "$view"
check "it serves" writes one
kill -KILL "$(worker)"
check "and after a worker's death" eventually 5 writes two
umount "$view"

echo "# a lock that its holder has closed, during upgrades"
mount_crash_view
lock_and_close() { # SECONDS: how many tries were refused
  python3 - "$view/load/locked" "$1" <<'PYTHON'
import fcntl, os, sys, time
path, end, refused = sys.argv[1], time.monotonic() + float(sys.argv[2]), 0
while time.monotonic() < end:
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        refused += 1
    os.close(fd)
print(refused)
PYTHON
}
lock_and_close 5 >"$T/refused" &
locking=$!
while is_running "$locking"; do "$CVFS_BIN/cvfs" upgrade "$view" >/dev/null; sleep 0.1; done
equal "is free at once" 0 "$(cat "$T/refused")"
check "it unmounts" unmount_view "$view"
