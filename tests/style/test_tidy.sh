#!/bin/bash
# clang-tidy finds nothing in what this build compiles.
set -euo pipefail

: "${CVFS_SOURCE:?}" "${CVFS_BIN:?}"
"$CVFS_SOURCE/scripts/check-tidy" "$CVFS_BIN/.."
