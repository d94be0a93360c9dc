#!/bin/bash
# What is mounted on a directory or a file of a view stays there, whatever is told the kernel of names.
. "${CVFS_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/view_env.sh"
# shellcheck source-path=SCRIPTDIR source=../support/cache_env.sh
. "$CVFS_SOURCE/tests/support/cache_env.sh"
use_test_programs
tree=$T/containerdata/user-toto/data
view=$T/view
set +e

mkdir -p "$T/other"
echo mounted >"$T/other/mark"
echo mounted >"$T/other-file"
mounted_names=(d e d/deep/under)
mount_all() {
  mkdir -p "$tree"/{d,e,d/deep/under}/sub
  for name in "${mounted_names[@]}"; do
    : >"$tree/$name/file"
    eventually 2 test -e "$view/$name/file"
    mount --bind "$T/other" "$view/$name/sub"
    mount --bind "$T/other-file" "$view/$name/file"
  done
}
all_mounted() {
  local name
  for name in "${mounted_names[@]}"; do
    # Walked as everybody does, and in the table of mounts.
    [[ $(cat "$view/$name/sub/mark" 2>&1) == mounted ]] || { echo "$name/sub: not mounted"; return 1; }
    [[ $(cat "$view/$name/file" 2>&1) == mounted ]] || { echo "$name/file: not mounted"; return 1; }
    mountpoint -q "$view/$name/sub" || { echo "$name/sub: no mount point"; return 1; }
  done
}
stays_mounted() { # SECONDS
  local end=$((SECONDS + $1))
  while ((SECONDS < end)); do
    all_mounted || return 1
    sleep 0.1
  done
}
unmount_all() {
  local name
  for name in "${mounted_names[@]}"; do umount "$view/$name/sub" "$view/$name/file" 2>/dev/null; done
}
flood() {
  mkdir -p "$tree/flood"
  python3 -c '
import os, sys
for i in range(20000):
    os.close(os.open(f"{sys.argv[1]}/{i}", os.O_CREAT | os.O_WRONLY))
' "$tree/flood"
  rm -rf "$tree/flood"
}
change_around() {
  local name
  for name in "${mounted_names[@]}"; do
    : >"$tree/$name/new$RANDOM"
    : >"$tree/$name/beside"
    mv "$tree/$name/beside" "$tree/$name/other-name"
    mkdir -p "$tree/$name/sub-2" && mv "$tree/$name/sub-2" "$tree/$name/sub-3" && rmdir "$tree/$name/sub-3"
    chmod 0750 "$tree/$name/sub" && chmod 0755 "$tree/$name/sub"
    touch "$tree/$name/sub" "$tree/$name/file"
    : >"$tree/$name/sub/in-it"
    ln -f "$tree/$name/file" "$tree/$name/link"
    rm -f "$tree/$name/link" "$tree/$name/new"*
  done
}

mount_view toto:/data "$view" "$as_root"
equal "the view is watched" notify "$(field_of cache)"
mount_all
check "everything is mounted" all_mounted

echo "# the host changes what is near it"
change_around
check "stays mounted" stays_mounted 1

echo "# more happens than the kernel keeps"
before=$(field_of watch.overflows)
kill -STOP "$(field_of processes.worker)"
flood
change_around
kill -CONT "$(field_of processes.worker)"
more_overflows() { (($(field_of watch.overflows) > before)); }
check "it overflows" eventually 2 more_overflows
check "stays mounted" stays_mounted 3

echo "# the worker dies with that"
worker=$(field_of processes.worker)
kill -STOP "$worker"
flood
change_around
kill -KILL "$worker"
check "stays mounted" stays_mounted 3

echo "# the worker dies while it puts that right"
before=$(field_of watch.overflows)
for ((i = 0; i < 3; i++)); do
  worker=$(field_of processes.worker)
  kill -STOP "$worker"
  flood
  kill -CONT "$worker"
  eventually 2 more_overflows
  kill -KILL "$worker"
  sleep 0.3
done
check "stays mounted" stays_mounted 2

# A lease of a host's process on a file that the view does not know keeps a CREATE waiting, which has d locked.
get_stuck() {
  rm -f "$tree/d/leased" "$T/leased" "$T/let-go"
  stat "$view/d/leased" "$view/d/other" "$view/e/other" >/dev/null 2>&1
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

echo "# names that cannot be told"
stalls=$(field_of watch.stalls)
get_stuck
change_around
: >"$tree/d/other"
: >"$tree/e/other"
check "a name elsewhere is seen" eventually 1 test -e "$view/e/other"
check "the request is stuck" kill -0 "$writer"
check "one stalled" test "$(field_of watch.stalls)" -gt "$stalls"
# Whoever looks up a name in d waits for that request: only what is mounted elsewhere is looked at.
check "stays mounted elsewhere" mountpoint -q "$view/e/sub"
let_go
check "a name there is seen when it is free" eventually 1 test -e "$view/d/other"
check "stays mounted" stays_mounted 1

echo "# and the worker dies"
rm -f "$tree"/[de]/other
get_stuck
change_around
: >"$tree/d/other"
sleep 0.3
kill -KILL "$worker"
sleep 0.5
let_go
check "a name there is seen" eventually 2 test -e "$view/d/other"
check "stays mounted" stays_mounted 2

echo "# an overflow while they cannot be told"
rm -f "$tree"/[de]/other
get_stuck
kill -STOP "$worker"
flood
change_around
: >"$tree/d/other"
: >"$tree/e/other"
kill -CONT "$worker"
check "a name elsewhere is seen" eventually 2 test -e "$view/e/other"
let_go
check "a name there is seen when it is free" eventually 2 test -e "$view/d/other"
check "stays mounted" stays_mounted 2

echo "# what the host makes, and is mounted on before that is told"
for ((i = 0; i < 50; i++)); do
  # A new name: what is mounted on a directory that is gone already goes when that is told.
  made=made$i
  stat "$view/$made" >/dev/null 2>&1
  mkdir "$tree/$made" && : >"$tree/$made-file"
  until mount --bind "$T/other" "$view/$made" 2>/dev/null; do sleep 0.001; done
  sleep 0.02
  mountpoint -q "$view/$made" || { fail "stays mounted ($i)"; break; }
  umount "$view/$made"
done
check "tried it" test "$i" -gt 40

unmount_all
