#!/bin/bash
# clang-tidy finds nothing in what this build compiles. The other tests go before, most of which wait.
set -euo pipefail

: "${CVFS_SOURCE:?}" "${CVFS_BIN:?}"
nice -n 5 "$CVFS_SOURCE/scripts/check-tidy" "$CVFS_BIN/.."
