#!/bin/bash
# The rooms include in one direction only; and the check finds every kind of violation.
set -euo pipefail

: "${CVFS_SOURCE:?}" "${CVFS_BIN:?}"
"$CVFS_SOURCE/scripts/check-rooms" --self-test
"$CVFS_SOURCE/scripts/check-rooms"
