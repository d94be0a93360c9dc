#!/bin/bash
# SQLite, eight writers at once over two views and the host, in each journal mode: each transaction is
# there once, and the database is whole; the same while workers die. 20,000 transactions each by
# scripts/soak --locks, some less here.
# shellcheck source-path=SCRIPTDIR source=../support/lock_env.sh
source "$(dirname "$0")/../support/lock_env.sh"

python3 -c 'import sqlite3' 2>/dev/null || skip "no sqlite3 in python3"
readonly each=${CVFS_SQLITE_EACH:-400}

query() { # DATABASE SQL
  python3 -c 'import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchone())' "$@"
}

run() { # MODE KILLING
  local file=$1-$2.db writer place begin=$SECONDS killed=0
  query "$VIEW/$file" "pragma journal_mode=$1" >/dev/null
  query "$VIEW/$file" "create table entry (writer int, number int, part int)" >/dev/null 2>&1
  chmod 0666 "$VIEW/$file"*
  local -a running=() as
  for writer in 0 1 2 3 4 5 6 7; do
    as=()
    case $writer in
      0 | 1 | 2) place=$VIEW ;;
      3 | 4 | 5) place=$OTHER ;;
      # What the host's root makes is nobody's on a view until SQLite has given it away.
      *) place=$HOST as=(setpriv --reuid 1500 --regid 1500 --clear-groups --) ;;
    esac
    "${as[@]}" python3 "$CVFS_SOURCE/tests/support/sqlite_writers.py" "$place/$file" "$1" "$writer" "$each" >"$T/out.$writer" 2>&1 &
    running+=($!)
  done
  while [[ $2 == killing ]] && is_running "${running[0]}" && ((killed < 200)); do
    sleep "$(printf '0.%03d' $((40 + RANDOM % 80)))"
    kill -KILL "$(processes_named cvfsd-worker | shuf -n 1)" 2>/dev/null && killed=$((killed + 1))
  done
  wait "${running[@]}"
  equal "$1, $2: no error" "" "$(cat "$T"/out.?)"
  equal "each transaction is there once" "$((16 * each)) $((16 * each))" \
    "$(query "$HOST/$file" "select count(*), (select count(*) from (select distinct writer, number, part from entry)) from entry")"
  equal "and the database is whole" ok "$(query "$HOST/$file" 'pragma integrity_check')"
  echo "      $((8 * each)) transactions in $((SECONDS - begin)) s, $killed workers killed"
}

mount_lock_views "${CVFS_SQLITE_OPTIONS-}"
for mode in delete wal; do
  run "$mode" quiet
  run "$mode" killing
done
