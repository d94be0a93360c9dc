#!/bin/bash
# The fuzzers of tests/fuzz, each for CVFS_FUZZ_SECONDS (3), all at once, beginning with the corpus that is kept:
# what came from an operator, a container or another build is understood or refused, and never a crash.
# `scripts/soak --fuzz` runs them longer. Needs no root.
set -u
: "${CVFS_SOURCE:=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}"
: "${CVFS_FUZZ_BIN:=$CVFS_SOURCE/build/fuzz/bin}"
: "${CVFS_FUZZ_SECONDS:=3}"

shopt -s nullglob
fuzzers=("$CVFS_FUZZ_BIN"/fuzz_*)
if ((${#fuzzers[@]} == 0)); then
  echo "skipped: no fuzzers in $CVFS_FUZZ_BIN: cmake --preset fuzz && cmake --build --preset fuzz"
  exit 77
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/cvfs-fuzz-XXXXXX")
trap 'rm -rf "$work"' EXIT

declare -A pids=()
for fuzzer in "${fuzzers[@]}"; do
  name=${fuzzer##*/fuzz_}
  mkdir -p "$work/$name"
  # What is found new goes to the first directory; the kept ones are only read.
  (cd "$work" && exec "$fuzzer" -max_total_time="$CVFS_FUZZ_SECONDS" -max_len=4200 -timeout=20 -rss_limit_mb=2048 \
    -artifact_prefix="$work/$name." "$work/$name" "$CVFS_SOURCE/tests/fuzz/corpus/$name") >"$work/$name.log" 2>&1 &
  pids[$name]=$!
done

failures=0
for name in "${!pids[@]}"; do
  if wait "${pids[$name]}"; then
    printf 'ok    %s: %s\n' "$name" "$(grep -oE '#[0-9]+\s+DONE.*' "$work/$name.log" | tr '\t' ' ')"
  else
    failures=$((failures + 1))
    printf 'FAIL  %s\n' "$name"
    grep -vE '^(#|INFO:)' "$work/$name.log" | head -n 40
    for found in "$work/$name".{crash,leak,oom,timeout}-*; do
      printf '      its input, in hexadecimal: %s\n' "$(od -An -v -tx1 "$found" | tr -d ' \n')"
    done
  fi
done
if [[ -n ${CVFS_FUZZ_KEEP:-} && $failures == 0 ]]; then
  for name in "${!pids[@]}"; do
    "$CVFS_FUZZ_BIN/fuzz_$name" -set_cover_merge=1 -max_len=4200 "$CVFS_SOURCE/tests/fuzz/corpus/$name" "$work/$name" >"$work/$name.log" 2>&1 ||
      failures=$((failures + 1))
  done
fi
exit $((failures > 0))
