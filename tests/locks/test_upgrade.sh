#!/bin/bash
# The build is exchanged while locks are held and waited for.
# shellcheck source-path=SCRIPTDIR source=../support/lock_env.sh
source "$(dirname "$0")/../support/lock_env.sh"

mount_lock_views ''
play upgrade || fail "every answer is right"
