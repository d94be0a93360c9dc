#!/bin/bash
# A request that does not end has its directory locked, and the kernel lets nobody take a name there out
# of its cache meanwhile: neither other names, nor the worker's death, nor an upgrade wait for that.
. "${CVFS_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/view_env.sh"
# shellcheck source-path=SCRIPTDIR source=../support/cache_env.sh
. "$CVFS_SOURCE/tests/support/cache_env.sh"
use_test_programs
tree=$T/containerdata/user-toto/data
view=$T/view
set +e

size_is() { [[ $(stat -c %s "$1" 2>&1) == "$2" ]]; }

# A host process holds a lease on a file that the view does not know to be there yet: the CREATE that
# comes waits for it, for /proc/sys/fs/lease-break-time at most, with the directory locked.
get_stuck() {
  rm -f "$tree/d/leased" "$T/leased" "$T/let-go"
  stat "$view/d/leased" "$view/d/other" "$view/e/f" >/dev/null 2>&1
  worker=$(field_of processes.worker)
  kill -STOP "$worker"
  python3 - "$tree/d/leased" "$T" <<'PYTHON' &
import fcntl, os, signal, sys, time
signal.signal(signal.SIGIO, signal.SIG_IGN)
fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600)
fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
open(sys.argv[2] + "/leased", "w").close()
while not os.path.exists(sys.argv[2] + "/let-go"):
    time.sleep(0.02)
PYTHON
  holder=$!
  eventually 5 test -e "$T/leased"
  (echo text >"$view/d/leased") &
  writer=$!
  sleep 0.3
  kill -CONT "$worker"
  sleep 0.3
}
let_go() {
  touch "$T/let-go"
  wait "$holder"
  wait "$writer"
}
# It serves when the request is done, which is sent to it again before all others (docs/crash.md).
is_replaced() { [[ $(field_of processes.worker) != 0 && $(field_of processes.worker) != "$worker" ]]; }

mkdir "$tree/d" "$tree/e"
echo 1 >"$tree/e/f"
mount_view toto:/data "$view" "$as_root"

echo "# other names"
get_stuck
check "a request is stuck" kill -0 "$writer"
echo longer >"$tree/e/f"
check "attributes elsewhere are seen" eventually 1 size_is "$view/e/f" 7
echo text >"$tree/d/other"
mv "$tree/e/f" "$tree/e/g"
check "names elsewhere are seen" eventually 1 test ! -e "$view/e/f"
let_go
check "names in the directory are seen when it is free" eventually 1 test -e "$view/d/other"
equal "what waited is done" text "$(cat "$tree/d/leased")"

echo "# the worker's death"
get_stuck
echo text >"$tree/d/another"
sleep 0.3
kill -KILL "$worker"
check "it ends, and there is another" eventually 2 is_replaced
check "the request is still stuck" kill -0 "$writer"
let_go
check "names in the directory are seen" eventually 1 test -e "$view/d/another"

echo "# an upgrade"
get_stuck
echo text >"$tree/d/third"
"$CVFS_BIN/cvfs" upgrade "$view" >"$T/upgraded" 2>&1 &
upgrade=$!
check "has another worker at once" eventually 3 is_replaced
check "the request is still stuck" kill -0 "$writer"
let_go
wait "$upgrade"
equal "is done when the request is" 0 $?
check "names in the directory are seen" eventually 2 test -e "$view/d/third"
equal "the view is watched still" notify "$(field_of cache)"
