#!/bin/bash
# PostgreSQL commits transactions while the worker is killed at random, and is itself killed and
# recovers: each transaction that it has acknowledged is there once, and no page is damaged.
# shellcheck source-path=SCRIPTDIR source=../support/crash_env.sh
source "$(dirname "$0")/../support/crash_env.sh"

programs=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)
[[ -n $programs && -x $programs/initdb && -x $programs/pgbench ]] || skip "no postgresql here"

readonly cluster=$T/view/load/cluster clients=4
database_log=$T/sockets/log
echo "database:*:101000:101000::/nonexistent:/bin/false" >>/etc/passwd
install -d -m 0700 -o 101000 -g 101000 "$T/sockets"
export PGHOST=$T/sockets PGDATABASE=postgres PGUSER=postgres

run() { as_uid 101000 101000 env LC_ALL=C.UTF-8 "$programs/$1" "${@:2}"; } # PROGRAM ARGUMENTS...
query() { run psql -XAtq -v ON_ERROR_STOP=1 -c "$1"; }                     # SQL

make_cluster() {
  run initdb -D "$cluster" -U postgres -A trust -k --no-sync >"$T/initdb.out" 2>&1 || return
  # Small: much is written back, and checkpoints come and go.
  cat >>"$cluster/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$T/sockets'
shared_buffers = 1MB
min_wal_size = 32MB
max_wal_size = 48MB
CONF
}

start_database() { run pg_ctl -D "$cluster" -l "$database_log" -w -t 60 start >/dev/null; }
stop_database() { run pg_ctl -D "$cluster" -m fast -w stop >/dev/null; }
no_database() { ! pgrep -x postgres >/dev/null; }

# A transaction adds a row and counts it; `number` goes on in each client.
write_transaction() {
  cat >"$T/sockets/transaction" <<'SQL'
\set number :number + 1
begin;
insert into entry values (:round, :client_id, :number, repeat(chr(97 + :number % 26), 300));
update counter set value = value + 1 where client = :client_id;
commit;
SQL
}

transact() { # ROUND SECONDS
  run pgbench -n -c "$clients" -j 2 -T "$2" -D number=0 -D round="$1" -f "$T/sockets/transaction" >"$T/bench$1" 2>"$T/bench$1.err"
}

acknowledged() { grep -oE 'actually processed: [0-9]+' "$T/bench$1" | grep -oE '[0-9]+'; } # ROUND
rows() { query "select count(*) from entry where round = $1"; }                        # ROUND

# What is wrong: doubled and missing numbers, contents, and the counters against the rows.
faults() {
  query "
    select 'doubled', round, client, number from entry group by 2, 3, 4 having count(*) > 1;
    select 'lost', round, client, count(*), max(number) from entry group by 2, 3 having count(*) <> max(number);
    select 'damaged', round, client, number from entry where text <> repeat(chr(97 + number % 26), 300);
    select 'miscounted', client, value, (select count(*) from entry e where e.client = c.client) from counter c
      where value <> (select count(*) from entry e where e.client = c.client);"
}

mount_crash_view
check "a database is made as a user of a container" make_cluster
check "and starts" start_database
write_transaction
query "create table entry (round int, client int, number int, text text);
  create table counter (client int primary key, value int not null);
  create index on entry (number); create extension amcheck;
  insert into counter select generate_series(0, $clients - 1), 0;" || fail "tables are made"

echo "# while workers die"
transact 0 10 &
bench=$!
kill_until_ended "$bench"
check "no client fails" wait "$bench"
equal "no client complains" "" "$(grep -vE '^pgbench \(|^$' "$T/bench0.err")"
equal "every transaction is there once" "$(acknowledged 0)" "$(rows 0)"
equal "nothing is wrong" "" "$(faults)"
equal "the database saw no error" "" "$(grep -E 'PANIC|FATAL|ERROR' "$database_log")"
echo "      $(acknowledged 0) transactions, $(summary)"
check "workers died indeed" test "$(deaths)" -gt 20

echo "# while it recovers from its own death"
kill_until_ended $$ & # to the end
killer=$!
for round in 1 2 3 4; do
  transact "$round" 30 &
  bench=$!
  sleep "2.$((RANDOM % 10))"
  read -r postmaster <"$cluster/postmaster.pid"
  kill -KILL "$postmaster"
  wait "$bench"
  eventually 20 no_database || fail "its processes end"
  check "it starts again" start_database
  least=$(acknowledged "$round")
  # A client may have sent its commit and not have heard of it.
  check "$least transactions are there, and those in doubt" test "$(rows "$round")" -ge "$least" -a "$(rows "$round")" -le $((least + clients))
done
kill "$killer"
wait "$killer" 2>/dev/null
equal "it recovered each time" 4 "$(grep -c 'automatic recovery in progress' "$database_log")"
equal "nothing is wrong" "" "$(faults)"
check "tables and indexes agree" run pg_amcheck --heapallindexed --all
equal "no error but its deaths" "" "$(grep -E 'PANIC|ERROR' "$database_log")"
echo "      $(query 'select count(*) from entry') transactions, $(summary)"
check "it stops" stop_database
check "no page is damaged" run pg_checksums --check -D "$cluster"
unmount_view "$T/view" || fail "it unmounts"
check "nor on disk" env -u PGDATA setpriv --reuid 200999 --regid 200999 --clear-groups \
  "$programs/pg_checksums" --check -D "$T/containerdata/user-toto/load/cluster"
