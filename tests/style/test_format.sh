#!/bin/bash
# The sources have one form and none of the known traps; and the check finds each of those.
set -euo pipefail

: "${CVFS_SOURCE:?}" "${CVFS_BIN:?}"
"$CVFS_SOURCE/scripts/check-style" --self-test
"$CVFS_SOURCE/scripts/check-style"
