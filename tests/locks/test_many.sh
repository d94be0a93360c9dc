#!/bin/bash
# Thousands wait for one lock at once: everything else is answered meanwhile, each gets the lock, and
# nobody else with him; also where it is the host that they wait for, and where the worker dies.
# shellcheck source-path=SCRIPTDIR source=../support/lock_env.sh
source "$(dirname "$0")/../support/lock_env.sh"

use_test_programs
mount_lock_views ''
ulimit -n "$(ulimit -Hn)"

crowd() { # SENTENCE COUNT KIND
  check_quietly "$1" timeout 300 lock_crowd "$VIEW/crowd-$3" "$2" "$3"
}

check_quietly() { # SENTENCE COMMAND...
  local output code=0
  output=$("${@:2}" 2>&1) || code=$?
  if ((code == 0)); then ok "$1"; else fail "$1" "exit code $code"; fi
  while IFS= read -r line; do echo "      $line"; done <<<"$output"
}

# How many there may be: files that are open at once.
most=$(($(ulimit -Hn) / 2 - 600))
((most <= 10000)) || most=10000
crowd "$most wait for a flock(2)" "$most" flock
crowd "$most wait for the lock of an open file" "$most" ofd
crowd "500 processes wait for a POSIX lock" 500 posix
