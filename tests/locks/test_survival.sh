#!/bin/bash
# Workers die while locks are held and waited for: none is lost, none is granted twice, and who waits
# goes on waiting.
# shellcheck source-path=SCRIPTDIR source=../support/lock_env.sh
source "$(dirname "$0")/../support/lock_env.sh"

mount_lock_views ''
play survival || fail "every answer is right"

# Of both views, at random.
kill_workers_until_ended() { # PID
  local deaths=0 pid
  while is_running "$1"; do
    sleep "$(printf '0.%03d' $((20 + RANDOM % 60)))"
    pid=$(processes_named cvfsd-worker | shuf -n 1)
    [[ -z $pid ]] || { kill -KILL "$pid" 2>/dev/null && deaths=$((deaths + 1)); }
  done
  echo "$deaths" >"$T/killed"
}

count_up() { # KIND
  local file=counter-$1 place counted=0
  : >"$VIEW/$file"
  chmod 0666 "$VIEW/$file"
  local -a running=()
  for place in "$VIEW" "$VIEW" "$OTHER" "$OTHER" "$HOST"; do
    python3 "$CVFS_SOURCE/tests/support/lock_counter.py" "$place/$file" "$1" 8 >"$T/count.${#running[@]}" 2>&1 &
    running+=($!)
  done
  kill_workers_until_ended "${running[0]}"
  wait "${running[@]}" || fail "$1: no program fails" "$(cat "$T"/count.*)"
  counted=$(cat "$T"/count.* | awk "{n += \$1} END {print n}")
  equal "$1: five count up over two views and the host, none is lost" "$counted" "$((10#$(cat "$HOST/$file")))"
  echo "      $counted counted, $(cat "$T/killed") workers killed, of each: $(paste -sd' ' "$T"/count.?)"
}

for kind in posix ofd flock; do count_up "$kind"; done
