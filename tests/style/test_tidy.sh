#!/bin/bash
# clang-tidy finds nothing in what this build compiles. It takes what the other tests leave of the
# processors: most of them wait.
set -euo pipefail

: "${CVFS_SOURCE:?}" "${CVFS_BIN:?}"
chrt --idle 0 "$CVFS_SOURCE/scripts/check-tidy" "$CVFS_BIN/.."
