#!/bin/bash
# Locks are exclusive between containers, between views and with the host, by the rules of fcntl(2) and
# flock(2); who waits is served in order, and is gone with a signal.
# shellcheck source-path=SCRIPTDIR source=../support/lock_env.sh
source "$(dirname "$0")/../support/lock_env.sh"

for options in "" passthrough=off; do
  mount_lock_views "$options"
  echo "# ${options:-with passthrough}"
  play ranges close append_only getlk upgrades flocks waiting trying dying deadlock || fail "every answer is right"
  umount "$T/other"
  unmount_view "$T/view"
done
