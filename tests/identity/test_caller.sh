#!/bin/bash
# owner=caller: everything on disk belongs to the tenant, and whoever asks is the owner: several uids at
# once, with the owner's bits of each mode; and who has no container id, and what is not the tenant's,
# gains nothing by it.
# shellcheck source=../support/view_env.sh
source "$(dirname "$0")/../support/view_env.sh"
use_test_programs

tree=$T/containerdata/user-toto
view=$T/view
chmod 0711 "$tree"

gets() { # SENTENCE OUTCOME UID[:GID] CALL ARGUMENTS...
  equal "$1" "$2" "$(in_container "$3" attempt "${@:4}")"
}
host_gets() { # SENTENCE OUTCOME UID CALL ARGUMENTS...
  equal "$1" "$2" "$(as_uid "$3" "$3" attempt "${@:4}")"
}
seen_by() { # UID[:GID] NAME: as in the container
  in_container "$1" stat -c '%u:%g %a' "$view/$2"
}
on_disk() { stat -c '%u:%g %a' "$tree/$1"; }

test_owner_is_who_asks() {
  echo "# who asks is the owner"
  in_container 1000:1000 sh -c "mkdir $view/d && echo text >$view/d/f && ln -s f $view/d/l && mkfifo $view/d/p"
  local uid
  for uid in 0:0 1000:1000 1001:2000 65535:65535; do
    equal "$uid sees its own file" "$uid 644" "$(seen_by "$uid" d/f)"
    equal "$uid sees its own directory, symlink and pipe" "$uid $uid $uid" \
      "$(in_container "$uid" stat -c '%u:%g' "$view/d" "$view/d/l" "$view/d/p" | xargs)"
    equal "$uid lists it as its own" "${uid//:/ }" \
      "$(in_container "$uid" ls -ln "$view/d" | awk '$9 == "f" { print $3, $4 }')"
    equal "$uid by find, which lists and looks up at once" "$uid" \
      "$(in_container "$uid" find "$view/d/f" -printf '%U:%G\n')"
  done
  equal "on disk all is the tenant's" '1500:1500 644' "$(on_disk d/f)"
  equal "every file of it" "" "$(find "$tree" -mindepth 1 \( ! -user 1500 -o ! -group 1500 \))"
  equal "the host's root sees container root's" '100000:100000' "$(stat -c %u:%g "$view/d/f")"
  check "ten uids at once each see their own" many_at_once
}

many_at_once() {
  local uid pids=() pid
  for uid in {1000..1009}; do
    in_container "$uid:$uid" sh -c 'for i in $(seq 100); do
      [ "$(stat -c %u:%g "$1/d/f" "$1/d" | sort -u)" = "$2:$2" ] || exit 1; done' - "$view" "$uid" &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid" || return 1; done
}

test_changes() {
  echo "# what an owner may do, everybody may"
  gets "another uid writes" ok 1001 write "$view/d/f" x
  gets "chmods" ok 1001 chmod "$view/d/f" 0600
  equal "and the mode is on disk" '1500:1500 600' "$(on_disk d/f)"
  gets "still everybody reads it: the owner's bits count" $'xext\nok' 1002 read "$view/d/f"
  gets "chowns it to itself" ok 1001:2000 chown "$view/d/f" 1001 2000
  gets "not to somebody else" EPERM 1001:2000 chown "$view/d/f" 1002 2000
  gets "nor to another group" EPERM 1001:2000 chgrp "$view/d/f" 3000
  equal "but to one of its groups" ok "$(in_container 0 setpriv --reuid 1001 --regid 2000 --groups 3000 -- attempt chgrp "$view/d/f" 3000)"
  gets "container root chowns it to anybody" ok 0 chown "$view/d/f" 1000 1000
  equal "which has no effect" '1002:1002 600' "$(seen_by 1002:1002 d/f)"
  equal "on disk neither" '1500:1500 600' "$(on_disk d/f)"
  gets "sets times" ok 1003 touch "$view/d/f"
  check "and given ones" in_container 1003 touch -d 2001-01-01 "$view/d/f"
  gets "removes" ok 1003 unlink "$view/d/p"
  gets "renames" ok 1004 rename "$view/d/l" "$view/d/m"
  in_container 1000 mkdir -m 1777 "$view/sticky"
  in_container 1000 sh -c ": >$view/sticky/f"
  gets "in a sticky directory, too" ok 1001 unlink "$view/sticky/f"
  in_container 1001 chmod g-w "$view/sticky"
  equal "which shows as one, and stays one when its mode is changed" '1001:1001 1757' "$(seen_by 1001:1001 sticky)"
  local umask
  for umask in 000 027 077; do
    in_container 1000 sh -c "umask $umask && : >$view/d/u$umask"
    equal "umask $umask" "$(printf '1500:1500 %o' $((0666 & ~0$umask)))" "$(on_disk "d/u$umask")"
  done
}

# shellcheck disable=SC2016  # python's
readonly open_for_ioctls='
import errno, os, sys
try:
    os.open(sys.argv[1], 3)
    print("ok")
except OSError as error:
    print(errno.errorcode[error.errno])
'

test_checks() {
  echo "# the owner's bits are checked, and roots pass"
  in_container 1000 sh -c "mkdir $view/c && echo '#!/bin/sh' >$view/c/f && mkdir $view/c/closed && : >$view/c/closed/f"
  local uid
  for uid in 1000 1001; do
    in_container 0 chmod 0444 "$view/c/f"
    gets "$uid cannot write to a file of mode 444" EACCES "$uid" write "$view/c/f" x
    gets "$uid cannot truncate it" EACCES "$uid" truncate "$view/c/f" 0
    gets "$uid cannot set an xattr there" EACCES "$uid" setxattr "$view/c/f" user.x y
    gets "$uid cannot set one that nobody knows" EACCES "$uid" setxattr "$view/c/f" nothing.of y
    equal "$uid cannot open it for ioctls alone, which takes both rights" EACCES \
      "$(in_container "$uid" python3 -c "$open_for_ioctls" "$view/c/f" 2>&1)"
    gets "$uid cannot execute it" EACCES "$uid" execute "$view/c/f"
    in_container 0 chmod 0277 "$view/c/f"
    gets "$uid cannot read a file of mode 277" EACCES "$uid" read "$view/c/f"
    gets "$uid cannot execute it: the owner's bit is missing" EACCES "$uid" execute "$view/c/f"
    equal "$uid: access(2) says so" 1 "$(in_container "$uid" sh -c "test -r $view/c/f; echo \$?")"
    in_container 0 chmod 0555 "$view/c"
    gets "$uid cannot create in a directory of mode 555" EACCES "$uid" create "$view/c/new"
    gets "$uid cannot mkdir there" EACCES "$uid" mkdir "$view/c/new"
    gets "$uid cannot link there" EACCES "$uid" link "$view/c/f" "$view/c/new"
    gets "$uid cannot make a symlink there" EACCES "$uid" symlink "$view/c/new"
    gets "$uid cannot make a pipe there" EACCES "$uid" fifo "$view/c/new"
    gets "$uid cannot make an unnamed file there" EACCES "$uid" tmpfile "$view/c/new"
    gets "$uid cannot remove there" EACCES "$uid" unlink "$view/c/f"
    gets "$uid cannot rmdir there" EACCES "$uid" rmdir "$view/c/closed"
    gets "$uid cannot rename out of it" EACCES "$uid" rename "$view/c/f" "$view/d/f2"
    gets "$uid cannot rename into it" EACCES "$uid" rename "$view/d/f" "$view/c/f2"
    in_container 0 chmod 0755 "$view/c"
    in_container 0 chmod 0555 "$view/c/closed"
    gets "$uid cannot move a directory of mode 555 elsewhere" EACCES "$uid" rename "$view/c/closed" "$view/d/closed"
    gets "$uid cannot exchange it either" EACCES "$uid" exchange "$view/d/f" "$view/c/closed"
    in_container 0 chmod 0600 "$view/c/closed"
    gets "$uid cannot search a directory of mode 600" EACCES "$uid" read "$view/c/closed/f"
    equal "$uid cannot enter it" 1 "$(in_container "$uid" sh -c "cd $view/c/closed 2>/dev/null; echo \$?" | tr 2 1)"
    check "$uid can list it" in_container "$uid" ls -U "$view/c/closed"
    in_container 0 chmod 0300 "$view/c/closed"
    gets "$uid can read in one of mode 300" ok "$uid" read "$view/c/closed/f"
    equal "$uid cannot list it" 2 "$(in_container "$uid" ls "$view/c/closed" &>/dev/null; echo $?)"
  done
  in_container 0 sh -c "chmod 0 $view/c/f $view/c/closed"
  gets "container root reads a file of mode 0" $'#!/bin/sh\nok' 0 read "$view/c/f"
  gets "container root writes to it" ok 0 write "$view/c/f" '#!'
  gets "container root searches a directory of mode 0" ok 0 read "$view/c/closed/f"
  gets "container root cannot execute what nobody may" EACCES 0 execute "$view/c/f"
  in_container 0 sh -c "cp /usr/bin/true $view/c/true; chmod 0111 $view/c/true"
  gets "a program of mode 111 runs" ok 1001 execute "$view/c/true"
}

test_outsiders() {
  echo "# who has no container id is not the owner"
  in_container 1000 sh -c "mkdir $view/o && chmod 0705 $view/o && echo secret >$view/o/f && chmod 0640 $view/o/f && echo open >$view/o/g"
  host_gets "a host user cannot read what others may not" EACCES 5000 read "$view/o/f"
  host_gets "nor write" EACCES 5000 write "$view/o/g" x
  host_gets "but read what all may" $'open\nok' 5000 read "$view/o/g"
  host_gets "nor chmod" EPERM 5000 chmod "$view/o/g" 0777
  host_gets "nor chown to itself" EPERM 5000 chown "$view/o/g" 5000 5000
  host_gets "nor set times" EACCES 5000 touch "$view/o/g"
  host_gets "nor create" EACCES 5000 create "$view/o/new"
  host_gets "nor remove" EACCES 5000 unlink "$view/o/g"
  in_container 1000 chmod 0707 "$view/o"
  host_gets "not even where all may write" EOVERFLOW 5000 create "$view/o/new"
  in_container 1000 chmod 1777 "$view/o"
  host_gets "nor remove where all may write, if it is sticky" EPERM 5000 unlink "$view/o/g"
  host_gets "nor rename" EPERM 5000 rename "$view/o/g" "$view/o/h"
  host_gets "the tenant's host uid is none of the containers'" EACCES 1500 read "$view/o/f"

  echo "# what is not the tenant's is nobody's"
  install -m 0600 /dev/null "$tree/o/roots"
  echo secret >"$tree/o/roots"
  install -m 0644 /dev/null "$tree/o/public"
  local uid
  for uid in 0 1000; do
    gets "$uid cannot read it" EACCES "$uid" read "$view/o/roots"
    gets "$uid cannot write what all may read" EACCES "$uid" write "$view/o/public" x
    gets "$uid cannot chmod it" EOVERFLOW "$uid" chmod "$view/o/roots" 0666
    gets "$uid cannot remove it" EOVERFLOW "$uid" unlink "$view/o/roots"
  done
  equal "it is as it was" 'secret 0:0 600' "$(cat "$tree/o/roots") $(on_disk o/roots)"
}

test_setid_acls_claims() {
  echo "# setid bits, ACLs, fresh volumes"
  in_container 1000 sh -c "cp \$(command -v id) $view/d/id && chmod 6755 $view/d/id"
  equal "no setid bit gets onto the disk" '1500:1500 755' "$(on_disk d/id)"
  chmod 4755 "$tree/d/id"
  equal "one that the host set is not shown" '1000:1000 755' "$(seen_by 1000:1000 d/id)"
  check "ACLs are refused" bash -c '! setfacl -m u:1001:r "$1" 2>/dev/null' - "$view/d/f"
  equal "there are none" "" "$(getfacl -cns "$view/d/f" 2>/dev/null)"
  mkdir "$view/volume"
  gets "a volume that the engine makes can be written by anybody" ok 1000 create "$view/volume/a"
  gets "and by somebody else, too" ok 1001 create "$view/volume/b"
  check "it is not marked" bash -c '! getfattr -n trusted.cvfs.unclaimed "$1" 2>/dev/null' - "$tree/volume"
}

test_database() {
  echo "# a program that insists on owning its directory"
  in_container 999:999 sh -c "mkdir -m 0700 $view/db && chown 999:999 $view/db && test -O $view/db && test -G $view/db" &&
    ok "chown to itself, test -O, mode 0700"
  equal "the same data as another uid, the next day" '998:998 700' "$(seen_by 998:998 db)"
  check "sqlite3 in it, by two uids at once" sqlite_by_two
}
sqlite_by_two() {
  in_container 999:999 sqlite3 "$view/db/x" 'PRAGMA journal_mode=WAL; CREATE TABLE t (a);' || return 1
  local uid pids=()
  for uid in 998 999; do
    in_container "$uid:$uid" sh -c "for i in \$(seq 100); do echo \"INSERT INTO t VALUES (\$i);\"; done | sqlite3 -cmd '.timeout 20000' $view/db/x" &
    pids+=($!)
  done
  wait "${pids[@]}"
  [[ $(in_container 997:997 sqlite3 "$view/db/x" 'SELECT count(*) FROM t; PRAGMA integrity_check') == $'200\nok' ]]
}

for passthrough in auto off; do
  echo "# ==== passthrough=$passthrough"
  mount_view toto "$view" "userns=@dockremap,owner=caller,cache=ttl:60,passthrough=$passthrough"
  chmod 0755 "$view"
  test_owner_is_who_asks
  test_changes
  test_checks
  test_outsiders
  test_setid_acls_claims
  test_database
  unmount_view
  find "$tree" -mindepth 1 -delete
done
