#!/bin/bash
# Programs that store and copy, on a view as on plain ext4: sqlite3 in each journal mode, with two writers and
# a kill; redis with its append-only file; rsync -aHAX and tar with ACLs and xattrs, there and back.
# shellcheck source-path=SCRIPTDIR source=../support/view_env.sh
source "$(dirname "$0")/../support/view_env.sh"
use_test_programs

tree=$T/containerdata/user-toto
view=$T/view
plain=$T/containerdata/plain
chmod 0711 "$tree"
for program in sqlite3 redis-cli redis-check-rdb rsync tar setfacl setfattr; do
  command -v "$program" >/dev/null || skip "no $program here"
done

as_user() { in_container 1000:1000 "$@"; }

# ---- sqlite3 ---------------------------------------------------------------------------------------

insert() { # DATABASE WRITER
  for i in {1..120}; do echo "INSERT INTO rows VALUES ('$2', $i, hex(randomblob(200)));"; done |
    as_user sqlite3 -cmd '.timeout 30000' "$1"
}
test_sqlite() { # DIRECTORY
  local mode database writers
  for mode in DELETE TRUNCATE PERSIST MEMORY WAL OFF; do
    database=$1/$mode.db
    as_user sqlite3 "$database" "PRAGMA journal_mode=$mode; CREATE TABLE rows (writer, number, filler);" >/dev/null
    writers=()
    insert "$database" a & writers+=($!)
    insert "$database" b & writers+=($!)
    wait "${writers[@]}"
    equal "sqlite3, journal_mode=$mode: both writers' rows, and the file is sound" $'ok\na|120|120\nb|120|120' \
      "$(as_user sqlite3 "$database" 'PRAGMA integrity_check; SELECT writer, count(*), count(DISTINCT number) FROM rows GROUP BY writer;')"
  done
  equal "sqlite3: VACUUM and a checkpoint of the WAL" $'0|0|0\nok' \
    "$(as_user sqlite3 "$1/WAL.db" 'PRAGMA wal_checkpoint(TRUNCATE); VACUUM; PRAGMA integrity_check;')"
  # Killed in the middle of a transaction: it never was.
  : >"$T/sqlite-out"
  nsenter --target "${container:?}" --user --setuid 1000 --setgid 1000 -- sqlite3 "$1/DELETE.db" \
    "BEGIN; UPDATE rows SET filler = 'half'; SELECT 'in it'; $(printf 'SELECT hex(randomblob(100000000));%.0s' {1..20})" >"$T/sqlite-out" &
  local killed=$!
  eventually 10 grep -q 'in it' "$T/sqlite-out"
  kill -KILL "$killed"
  wait "$killed" 2>/dev/null
  equal "sqlite3: a transaction that was killed is rolled back" $'ok\n0' \
    "$(as_user sqlite3 "$1/DELETE.db" "PRAGMA integrity_check; SELECT count(*) FROM rows WHERE filler = 'half';")"
}

# ---- redis -----------------------------------------------------------------------------------------

redis() { as_user redis-cli -s "$1/socket" "${@:2}" 2>&1; } # DIRECTORY COMMAND...
start_redis() { # DIRECTORY: the server by the name of which the program acts as one
  nsenter --target "$container" --user --setuid 1000 --setgid 1000 --wd="$1" -- \
    bash -c 'exec -a redis-server redis-check-rdb --dir "$1" --port 0 --unixsocket "$1/socket" --appendonly yes \
      --appendfsync always --save "" --daemonize no --logfile "$1/log"' - "$1" &
  redis_pid=$!
  disown
  eventually 10 redis_answers "$1"
}
redis_answers() { [[ $(redis "$1" ping) == PONG ]]; }
test_redis() { # DIRECTORY
  as_user mkdir "$1"
  start_redis "$1"
  for i in {1..500}; do echo "SET key$i value$i"; done | redis "$1" >/dev/null
  redis "$1" BGREWRITEAOF >/dev/null
  for i in {501..700}; do echo "INCR counter"; done | redis "$1" >/dev/null
  kill -KILL "$redis_pid"
  eventually 5 test ! -e "/proc/$redis_pid"
  as_user rm -f "$1/socket"
  start_redis "$1"
  equal "redis: after a kill all that was acknowledged is there" '501 value250 200' \
    "$(redis "$1" DBSIZE) $(redis "$1" GET key250) $(redis "$1" GET counter)"
  redis "$1" SHUTDOWN >/dev/null
  eventually 5 test ! -e "/proc/$redis_pid"
  check "redis: its append-only file is sound" bash -c 'for file in "$1"/appendonlydir/*.incr.aof; do
    redis-check-aof "$file" || exit 1; done' - "$1"
}

# ---- rsync and tar ---------------------------------------------------------------------------------

make_tree() { # DIRECTORY: by container root, with owners of all kinds
  in_container 0 bash -euc '
    cd "$1" && mkdir tree && cd tree
    for i in {1..150}; do echo "$i" >"file-$i"; done
    mkdir -p a/b/c empty && ln file-1 hard && ln file-1 a/hard && ln -s file-1 soft && ln -s /nowhere dangling
    mkfifo pipe && mkdir -m 1777 sticky && mkdir -m 2755 setgid && echo run >run && chmod 0755 run
    truncate -s 6M sparse && echo end >>sparse && echo bytes >"$(printf "\377\376")"
    chown 1000:1000 file-2 && chown 1001:2000 file-3 a && chown -h 1002:1002 soft && chown 5:5 pipe
    setfacl -m u:1001:rw,g:2000:r file-4 && setfacl -d -m u:1001:rwx a/b && setfacl -m m::r file-4
    setfattr -n user.one -v value file-5 && setfattr -n user.empty file-5 && setfattr -n user.dir -v x a
    setcap cap_net_raw+ep run
    # Not of this second, in which rsync(1) would leave the time of what is no file as it comes.
    touch -h -d "1999-01-01" soft dangling pipe && touch -d 2010-10-10 empty
    touch -d "2001-02-03 04:05:06.789" file-6' - "$1"
}
# Everything that is to be the same, as container root sees it.
manifest() { # DIRECTORY
  in_container 0 bash -c 'cd "$1" && find . -type d -printf "%p %y %m %U:%G\n" | sort
    find . ! -type d -printf "%p %y %m %U:%G %s %l %n %T@\n" | sort
    getfacl -Rnp . 2>/dev/null; getfattr -Rhd -m "^user\\." . 2>/dev/null; getcap -r . 2>/dev/null
    find . -type f -print0 | sort -z | xargs -0 sha256sum' - "$1"
}
copies_are_same() { # SENTENCE FROM TO
  if diff <(manifest "$2") <(manifest "$3") >"$T/diff"; then ok "$1"; else fail "$1" "$(head -n 20 "$T/diff")"; fi
}
test_rsync_and_tar() { # DIRECTORY
  check "a tree with everything in it" make_tree "$1"
  check "which the comparison sees" test "$(manifest "$1/tree" | wc -l)" -gt 300
  check "rsync -aHAX within it" in_container 0 rsync -aHAX "$1/tree/" "$1/copy/"
  copies_are_same "rsync: the copy is the same" "$1/tree" "$1/copy"
  equal "rsync: and it says so" "" "$(in_container 0 rsync -aHAXni "$1/tree/" "$1/copy/")"
  in_container 0 sh -c "cd $1/tree && rm file-7 && echo more >>file-8 && chmod 600 file-9 && setfacl -b file-4"
  check "rsync --delete brings it up to date" in_container 0 rsync -aHAX --delete "$1/tree/" "$1/copy/"
  copies_are_same "rsync: it is" "$1/tree" "$1/copy"
  check "tar with ACLs and xattrs" in_container 0 tar --create --acls --xattrs --xattrs-include='*' --sparse --file "$1/tree.tar" -C "$1/tree" .
  in_container 0 mkdir "$1/untarred"
  check "tar back" in_container 0 tar --extract --acls --xattrs --xattrs-include='*' --preserve-permissions --same-owner --sparse --file "$1/tree.tar" -C "$1/untarred"
  copies_are_same "tar: it is the same" "$1/tree" "$1/untarred"
  check "out of it, to plain ext4" in_container 0 rsync -aHAX "$1/tree/" "$plain/from/"
  copies_are_same "rsync: it is the same there" "$1/tree" "$plain/from"
  check "and back in" in_container 0 rsync -aHAX "$plain/from/" "$1/again/"
  copies_are_same "rsync: and here again" "$1/tree" "$1/again"
  in_container 0 rm -rf "$plain/from"
}

install -d -o 100000 -g 100000 "$plain"
for options in owner=map owner=virtual; do
  echo "# $options"
  mount_view toto "$view" "userns=@dockremap,$options"
  chmod 0711 "$view"
  in_container 0 mkdir -m 0777 "$view/d" && in_container 0 chmod 0777 "$view/d"
  test_sqlite "$view/d"
  test_redis "$view/d/redis"
  in_container 0 rm -rf "$view/d"
  in_container 0 mkdir "$view/d"
  test_rsync_and_tar "$view/d"
  unmount_view
  find "$tree" -mindepth 1 -delete
done
