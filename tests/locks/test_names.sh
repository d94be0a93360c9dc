#!/bin/bash
# Who gets a lock sees names, too, as the one before him left them: what others made or removed beside the
# file while they had it, on another view or on the host, however quickly the lock goes from hand to hand.
# shellcheck source-path=SCRIPTDIR source=../support/lock_env.sh
source "$(dirname "$0")/../support/lock_env.sh"

# Two processes take turns by a lock. Each finds the name that the other one has removed gone, and the one
# that he has made there; looks for both without the lock as well, so that the kernel has them to forget; and
# makes and removes names itself. Prints how often what it found was not so.
take_turns() { # DIRECTORY OWN OTHER ROUNDS
  local -a as=()
  [[ $1 != "$HOST" ]] || as=(setpriv --reuid 1500 --regid 1500 --clear-groups --)
  timeout 60 "${as[@]}" python3 - "$CVFS_SOURCE/tests/support" "$@" <<'END'
import os, sys, time
sys.path.insert(0, sys.argv[1])
from lock_agent import lock
directory, own, other, rounds = sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5])
fd = os.open(directory + "/turns", os.O_RDWR)
wrong = turns = 0
while turns < rounds:
    lock(fd, "posix", "write", "wait")
    state = os.pread(fd, 64, 0).decode().split() or ["0", "nobody"]
    number, last = int(state[0]), state[1]
    if last == other:
        # He has made a name, and removed the one that I had made in my turn before.
        wrong += not os.path.exists(f"{directory}/{other}-{number}")
        wrong += os.path.exists(f"{directory}/{own}-{number - 1}")
    if last != own:
        if last == other:
            os.unlink(f"{directory}/{other}-{number}")
        number += 1
        turns += 1
        os.close(os.open(f"{directory}/{own}-{number}", os.O_CREAT | os.O_EXCL, 0o666))
        os.pwrite(fd, f"{number} {own}".ljust(64).encode(), 0)
    lock(fd, "posix", "none", "try")
    # Now the kernel knows what is there, and what is not yet.
    os.path.exists(f"{directory}/{own}-{number}")
    os.path.exists(f"{directory}/{other}-{number + 1}")
    if last == own:
        time.sleep(0.0003)
print(wrong)
END
}

readonly rounds=${CVFS_LOCK_TURNS:-300}
mount_lock_views "${CVFS_LOCK_OPTIONS-}"
for place in "$OTHER" "$HOST"; do
  rm -f "$VIEW"/*
  : >"$VIEW/turns"
  chmod 0666 "$VIEW/turns"
  take_turns "$place" b a "$rounds" >"$T/second" &
  second=$!
  first=$(take_turns "$VIEW" a b "$rounds")
  equal "names on a view, in turns with ${place#"$T/"}" 0 "$first"
  wait "$second"
  equal "and there" 0 "$(cat "$T/second")"
done
