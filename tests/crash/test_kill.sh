#!/bin/bash
# The worker is killed at random, about forty times a round, while programs of four uids use the view
# as hard as they can and check every answer: none of them notices. On ext4, or on what BACKING says.
# shellcheck source-path=SCRIPTDIR source=../support/crash_env.sh
source "$(dirname "$0")/../support/crash_env.sh"

round() { # SENTENCE OPTIONS
  mount_crash_view "$2"
  load 6 4 &
  local load=$!
  kill_until_ended "$load"
  check_load "$1" "$load"
  echo "      $(summary)"
  check "workers died indeed" test "$(deaths)" -gt 15
  unmount_view "$T/view" || fail "it unmounts"
  rm -rf "$T/containerdata/user-toto/load"
}

round "$BACKING, owner=map survives" owner=map
round "$BACKING, owner=virtual survives" owner=virtual
[[ $BACKING != ext4 ]] || round "owner=caller survives" owner=caller
[[ $BACKING != ext4 ]] || round "without passthrough it survives" passthrough=off
