#!/bin/bash
# Who gets a lock sees the file as the one before him left it: size and times are asked for anew, however
# long the kernel may believe them.
# shellcheck source-path=SCRIPTDIR source=../support/lock_env.sh
source "$(dirname "$0")/../support/lock_env.sh"

# Prints the file's size, in two ways, when it has the lock, which it tries or waits for; after it has
# looked at it without.
sizes() { # FILE KIND MODE
  python3 - "$CVFS_SOURCE/tests/support" "$@" <<'END'
import os, sys
sys.path.insert(0, sys.argv[1])
from lock_agent import lock
path, kind, mode = sys.argv[2:]
os.stat(path)
fd = os.open(path, os.O_RDWR)
if mode == "wait":
    print("waits", flush=True)
lock(fd, kind, "read", mode)
after = os.stat(path).st_size
print(after, os.lseek(fd, 0, os.SEEK_END))
END
}

# Holds the file until it is told to end, writing it first.
write_locked() { # FILE KIND BYTES
  python3 - "$CVFS_SOURCE/tests/support" "$@" <<'END'
import os, sys, time
sys.path.insert(0, sys.argv[1])
from lock_agent import lock
path, kind, length = sys.argv[2], sys.argv[3], int(sys.argv[4])
fd = os.open(path, os.O_RDWR | os.O_APPEND)
lock(fd, kind, "write", "try")
print("has", flush=True)
time.sleep(1)
os.write(fd, b"x" * length)
END
}

mount_lock_views cache=ttl:3600
for kind in posix ofd flock; do
  for place in "$OTHER" "$HOST"; do
    name=${place#"$T/"}
    printf x >"$VIEW/$kind"
    chmod 0666 "$VIEW/$kind"
    stat "$VIEW/$kind" >/dev/null
    printf xx >"$HOST/$kind"
    equal "$kind: who locks sees what $name left" "2 2" "$(sizes "$VIEW/$kind" "$kind" try)"
    : >"$T/has"
    write_locked "$place/$kind" "$kind" 5 >"$T/has" &
    eventually 5 grep -q has "$T/has"
    equal "$kind: who waits for $name, too" "waits 7 7" "$(sizes "$VIEW/$kind" "$kind" wait | paste -sd' ')"
    wait "$!"
    rm -f "$VIEW/$kind" && umount "$T/other" && mount_view toto "$T/other" userns=@dockremap,cache=ttl:3600
  done
done
