#!/bin/bash
# A signal ends every wait for a lock, whoever holds it; and counts how many waits took longer than 10 ms
# after it, beside a wait on the backing filesystem itself.
# shellcheck source-path=SCRIPTDIR source=../support/lock_env.sh
source "$(dirname "$0")/../support/lock_env.sh"

use_test_programs
readonly count=${CVFS_LOCK_INTERRUPTS:-300}
mount_lock_views ''
: >"$VIEW/f"
chmod 0666 "$VIEW/f"

for kind in posix ofd flock; do
  for place in "$VIEW" "$OTHER" "$HOST"; do
    mkfifo "$T/commands"
    : >"$T/agent"
    python3 "$CVFS_SOURCE/tests/support/lock_agent.py" "$place/f" <"$T/commands" >"$T/agent" &
    exec {commands}>"$T/commands"
    rm "$T/commands"
    echo "$kind write try" >&"$commands"
    eventually 5 grep -q ok "$T/agent" || fail "$kind: ${place#"$T/"} holds it"
    for waiter in "$VIEW" "$HOST"; do
      if measure=$(lock_interrupts "$waiter/f" "$kind" "$count" 2>&1); then
        ok "$kind: ${waiter#"$T/"} waits for ${place#"$T/"}: $measure"
      else
        fail "$kind: a signal ends a wait of ${waiter#"$T/"} for ${place#"$T/"}" "$measure"
      fi
    done
    exec {commands}>&-
    wait "$!" 2>/dev/null
  done
done
