#!/bin/bash
# test_kill.sh on btrfs.
BACKING=btrfs exec "$(dirname "$0")/test_kill.sh" "$@"
