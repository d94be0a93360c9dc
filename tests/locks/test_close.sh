#!/bin/bash
# A lock that nobody unlocked is gone when close(2) has returned, as on ext4: whoever tries then is not
# refused, on the same view and on another. (The host may be: docs/locks.md.)
# shellcheck source-path=SCRIPTDIR source=../support/lock_env.sh
source "$(dirname "$0")/../support/lock_env.sh"

use_test_programs
mount_lock_views ''
: >"$VIEW/closed"
chmod 0666 "$VIEW/closed"

# A view waits 10 ms for another one's close: that is to say something of cvfs, not of what else the
# machine does. So its processes go first, as does whoever asks.
go_first() { for process in $(processes_named 'cvfsd(-.*)?') $$; do chrt --all-tasks --fifo --pid 1 "$process"; done; }
go_first || echo "      (whatever else the machine does is waited for)"

refusals() { # FIRST SECOND KIND: how many of a thousand tries; measures go to $T/measures
  lock_after_close "$1/closed" "$2/closed" "$3" 1000 | tee "$T/measures" | cut -d' ' -f1
}

for kind in posix ofd flock; do
  equal "$kind, on the same view" 0 "$(refusals "$VIEW" "$VIEW" "$kind")"
  sed 's/^/      /' "$T/measures"
  equal "$kind, on another view" 0 "$(refusals "$VIEW" "$OTHER" "$kind")"
  sed 's/^/      /' "$T/measures"
  equal "$kind, on a view after the host" 0 "$(refusals "$HOST" "$VIEW" "$kind")"
  refusals "$VIEW" "$HOST" "$kind" >/dev/null
  echo "      on the host after a view: $(cat "$T/measures")"
done
