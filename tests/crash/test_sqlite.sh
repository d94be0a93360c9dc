#!/bin/bash
# SQLite commits transactions while the worker is killed at random: each is there once in the end.
# shellcheck source-path=SCRIPTDIR source=../support/crash_env.sh
source "$(dirname "$0")/../support/crash_env.sh"

python3 -c 'import sqlite3' 2>/dev/null || skip "no sqlite3 in python3"

# Two rows a transaction, by two processes: prints how many it committed.
commit() { # JOURNAL-MODE PROCESS
  as_uid 101000 101000 python3 -c '
import sqlite3, sys, time
database, mode, process, end = sys.argv[1], sys.argv[2], int(sys.argv[3]), time.time() + 8
connection = sqlite3.connect(database, timeout=60, isolation_level=None)
# Two that change the mode at once are refused at once, natively as well: no timeout counts there.
for attempt in range(100):
    try:
        connection.execute(f"pragma journal_mode={mode}")
        break
    except sqlite3.OperationalError:
        time.sleep(0.1)
connection.execute("pragma synchronous=normal")
connection.execute("create table if not exists entry (process int, number int, part int, text text)")
number = 0
while time.time() < end:
    connection.execute("begin immediate")
    for part in 0, 1:
        connection.execute("insert into entry values (?, ?, ?, ?)", (process, number, part, "x" * 300))
    connection.execute("commit")
    number += 1
print(number)' "$T/view/load/$1.db" "$1" "$2"
}

for mode in delete wal; do
  mount_crash_view
  commit "$mode" 0 >"$T/count0" 2>"$T/err0" &
  first=$!
  commit "$mode" 1 >"$T/count1" 2>"$T/err1" &
  second=$!
  kill_until_ended "$first"
  wait "$first" "$second"
  equal "journal_mode=$mode: no error" "" "$(cat "$T/err0" "$T/err1")"
  committed=$(($(cat "$T/count0") + $(cat "$T/count1")))
  echo "      $committed transactions, $(summary)"
  check "workers died indeed" test "$(deaths)" -gt 20
  unmount_view "$T/view"
  database=$T/containerdata/user-toto/load/$mode.db
  equal "every transaction is there once" "$((2 * committed))|$((2 * committed))" \
    "$(python3 -c '
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
every = connection.execute("select count(*) from entry").fetchone()[0]
distinct = connection.execute("select count(*) from (select distinct process, number, part from entry)").fetchone()[0]
print(f"{every}|{distinct}")' "$database")"
  equal "and the database is whole" ok "$(python3 -c '
import sqlite3, sys
print(sqlite3.connect(sys.argv[1]).execute("pragma integrity_check").fetchone()[0])' "$database")"
done
