#!/bin/bash
# The scripts are clean for shellcheck(1).
set -euo pipefail

: "${CVFS_SOURCE:?}" "${CVFS_BIN:?}"
mapfile -t scripts < <(grep -rlE '^#!/bin/(ba)?sh' "$CVFS_SOURCE"/{scripts,tests,cmake})
shellcheck --severity=warning --external-sources "${scripts[@]}" "$CVFS_SOURCE"/tests/support/*.sh
