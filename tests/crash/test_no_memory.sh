#!/bin/bash
# The worker dies while there is no memory for another one, or no thread: the view waits until there is, and
# goes on. Nobody takes its connection along.
# shellcheck source-path=SCRIPTDIR source=../support/upgrade_env.sh
source "$(dirname "$0")/../support/upgrade_env.sh"

use_upgradable_builds
limit_memory() { # BYTES (as a soft limit: it is lifted again), of all processes there are now
  local process
  for process in $(view_processes); do prlimit --pid "$process" --as="$1:" 2>/dev/null; done
}
is_back() { timeout 1 touch "$T/view/load/after" 2>/dev/null && is_complete; }

for options in "" cache=ttl:1; do
  mount_crash_view "$options"
  eventually 5 is_complete || fail "there are a supervisor, a worker and a standby" "$(show_daemons)"
  for more_kib in 0 300 1000 9000; do
    used_kib=$(awk '{print $1 * 4}' "/proc/$(supervisor)/statm")
    limit_memory $(((used_kib + more_kib) * 1024))
    kill -KILL "$(worker)"
    sleep 0.5
    limit_memory unlimited
    check "${options:-cache=notify}: with $more_kib KiB to be had when the worker died, the view goes on after that" eventually 10 is_back
  done
  unmount_view "$T/view" || fail "umount ends all"
done
