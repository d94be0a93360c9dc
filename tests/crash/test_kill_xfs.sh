#!/bin/bash
# test_kill.sh on xfs.
BACKING=xfs exec "$(dirname "$0")/test_kill.sh" "$@"
