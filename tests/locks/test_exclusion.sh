#!/bin/bash
# Every combination of {container, another, another view, host} x {POSIX, OFD, flock} x {read, write} x
# {try, wait}.
# shellcheck source-path=SCRIPTDIR source=../support/lock_env.sh
source "$(dirname "$0")/../support/lock_env.sh"

mount_lock_views ''
play matrix || fail "every answer is right"
