#!/bin/bash
# What a container, a tenant or a careless administrator could try against a view: file handles,
# devices, files that the host protects, views inside of views, locks and descriptors kept for good,
# callers whom no map knows. Each must end in its errno, and everybody else must go on.
# shellcheck source=../support/view_env.sh
source "$(dirname "$0")/../support/view_env.sh"
use_test_programs

tree=$T/containerdata/user-toto
view=$T/view
chmod 0711 "$tree"

# As a container sees it, in host ids. The host's root is shown the mode on disk.
shown() { unshare --pid --fork stat -c '%u:%g %a' "$view/$1"; }
is_marked() { getfattr -n trusted.cvfs.unclaimed "$tree/$1" &>/dev/null; }
is_unmarked() { ! is_marked "$1"; }
empty_tree() { find "$tree" -mindepth 1 -delete; }

# As UID[:GID] of a container, and as a process of the host: `attempt` has this outcome.
gets() { # SENTENCE OUTCOME UID[:GID] CALL ARGUMENTS...
  equal "$1" "$2" "$(in_container "$3" attempt "${@:4}")"
}
host_gets() { # SENTENCE OUTCOME UID CALL ARGUMENTS...
  equal "$1" "$2" "$(as_uid "$3" "$3" attempt "${@:4}")"
}
common_directory() { # NAME: everybody may write there, nobody's claim
  in_container 0 mkdir -m 1777 "$view/$1"
}

# ---- file handles ----------------------------------------------------------------------------------

are_refusals() { # OUTCOMES: at least one, and nothing else
  [[ -n $1 ]] && ! grep -qvxE 'ESTALE|EOPNOTSUPP|EPERM' <<<"$1"
}
handle_is_refused() { # SENTENCE COMMAND...
  local outcomes
  outcomes=$("${@:2}" 2>&1)
  if are_refusals "$outcomes"; then ok "$1"; else fail "$1" "$outcomes"; fi
}
contents_are_names() { # DIRECTORY FIRST LAST: of the files of these numbers
  local i
  for ((i = $2; i <= $3; ++i)); do [[ $(<"$1/$i") == "contents of $i" ]] || return 1; done
}
write_names() { # DIRECTORY FIRST LAST
  # shellcheck disable=SC2016
  in_container 1000:1000 bash -c 'for ((i = $2; i <= $3; ++i)); do echo "contents of $i" >"$1/$i"; done' - "$@"
}

test_file_handles() {
  echo "# file handles"
  mount_view
  chmod 0755 "$view"
  common_directory handles
  write_names "$view/handles" 1 60
  local i
  for i in 1 30 60; do file_handle save "$view/handles/$i" "$T/handle-$i" >/dev/null; done
  try_handles "while the kernel knows the files"
  rm -f "$view/handles/60"
  echo 2 >/proc/sys/vm/drop_caches
  try_handles "after the kernel has forgotten them"
  write_names "$view/handles" 61 120
  try_handles "after others have got their numbers"
  chmod 0711 "$view"
  echo 3 >/proc/sys/vm/drop_caches
  check "all files have their own contents" contents_are_names "$view/handles" 1 59
  check "and so have those made afterwards" contents_are_names "$view/handles" 61 120
  check "on disk, too" contents_are_names "$tree/handles" 61 120
  equal "no file has appeared" 119 "$(find "$tree/handles" -type f | wc -l)"
  unmount_view
  empty_tree
}

try_handles() { # WHEN
  local i
  for i in 1 30 60; do
    [[ ! -s $T/handle-$i ]] || handle_is_refused "$1 the handle of file $i is refused" file_handle open "$view" "$T/handle-$i"
  done
  handle_is_refused "$1 no made-up handle opens for the host's root" file_handle forge "$view" 130 4
  handle_is_refused "$1 none opens for whom a user namespace made root" \
    as_uid 101000 101000 unshare --user --map-root-user --mount file_handle forge "$view" 130 4
}

# ---- devices ---------------------------------------------------------------------------------------

test_devices() {
  echo "# devices, by who has CAP_MKNOD"
  local options call hosts
  for options in userns=host userns=@dockremap userns=host,dev userns=@dockremap,dev; do
    mount_view toto "$view" "$options"
    hosts=EPERM
    [[ $options != *,dev ]] || hosts=ok # the administrator's, by the word
    for call in device blockdevice; do
      equal "$options: $call by the host's root" "$hosts" "$(attempt "$call" "$view/$call")"
      rm -f "$view/$call"
      equal "$options: $call by a container's root" EPERM "$(unshare --pid --fork attempt "$call" "$view/$call")"
    done
    equal "$options: nothing is on disk" "" "$(ls -A "$tree")"
    check "$options: overlayfs' whiteout, 0:0, can be made" mknod "$view/whiteout" c 0 0
    equal "$options: it is that on disk" 'character special file 0:0' "$(stat -c '%F %t:%T' "$tree/whiteout")"
    unmount_view
    empty_tree
  done
}

# ---- root's group ----------------------------------------------------------------------------------

test_group_root() {
  echo "# a tenant's directory with root's group"
  chgrp 0 "$tree"
  expect_fail 32 "root's group" mount_view
  expect_fail 32 "root's group" mount_view toto "$view" userns=@dockremap,owner=virtual
  equal "nothing is mounted" "" "$(views)"
  mount_view toto "$view" userns=@dockremap,storegid=1500
  install -d -o 1500 -g 1500 "$tree/d"
  gets "with storegid= it is served" ok 0 create "$view/d/f"
  equal "and root's group is not what containers get" 1500:1500 "$(stat -c %u:%g "$tree/d/f")"
  unmount_view
  empty_tree
  chgrp 1500 "$tree"
}

# ---- what the host protects ------------------------------------------------------------------------

# What a descriptor of before the flag can still do: prints it, of a file in the directory DIRECTORY. Run
# natively and on a view, as the host's root.
readonly opened_before='
import errno, os, subprocess, sys
flag, how, path = sys.argv[1], sys.argv[2], sys.argv[3] + "/opened"
flags = {"w": os.O_WRONLY, "rw": os.O_RDWR, "a": os.O_WRONLY | os.O_APPEND}[how]
open(path, "w").write("x" * 100)
held = os.open(path, flags)
subprocess.run(["chattr", "+" + flag, path], check=True)
def outcome(call):
    try:
        result = call()
        if isinstance(result, int) and result > 2:
            os.close(result)
        return "ok"
    except OSError as error:
        return errno.errorcode[error.errno]
calls = {
    "write": lambda: os.write(held, b"ab") and None, "pwrite": lambda: os.pwrite(held, b"cd", 1) and None,
    "truncate": lambda: os.ftruncate(held, 5), "allocate": lambda: os.posix_fallocate(held, 0, 9000),
    "sync": lambda: os.fsync(held), "chmod": lambda: os.fchmod(held, 0o600),
    "read again": lambda: os.open(path, os.O_RDONLY), "write again": lambda: os.open(path, os.O_WRONLY),
    "append again": lambda: os.open(path, os.O_WRONLY | os.O_APPEND),
    "truncate again": lambda: os.open(path, os.O_WRONLY | os.O_TRUNC)}
said = ["%s %s" % (name, outcome(call)) for name, call in calls.items()]
os.close(held)
print(", ".join(said), os.stat(path).st_size, open(path).read(4))
subprocess.run(["chattr", "-" + flag, path], check=True)
os.unlink(path)
'

test_flags_of_open_files() { # passthrough=…
  [[ $BACKING == ext4 ]] || return 0
  local flag how native=$T/containerdata/native
  mkdir "$native"
  mount_view toto "$view" "userns=host,$1"
  for flag in a i; do
    for how in w rw a; do
      equal "$1: +$flag on what is open ($how)" "$(python3 -c "$opened_before" "$flag" "$how" "$native" 2>&1)" \
        "$(python3 -c "$opened_before" "$flag" "$how" "$view" 2>&1)"
    done
  done
  unmount_view
  rmdir "$native"
  empty_tree
}

test_append_only() { # passthrough=… [IT HAS BEEN OPENED BEFORE]
  : >"$tree/log"
  if ! chattr +a "$tree/log" 2>/dev/null || ! chattr -a "$tree/log"; then
    echo "no append-only files on $BACKING"
    rm "$tree/log"
    return
  fi
  local uid outcome
  mount_view toto "$view" "userns=@dockremap,$1"
  common_directory guarded
  mv "$tree/log" "$tree/guarded/log"
  chown 200999:200999 "$tree/guarded/log"
  echo start >"$tree/guarded/log"
  # From now on the kernel has a backing id for it.
  [[ -z $2 ]] || gets "$1: before it is append-only, it is written" ok 1000 write "$view/guarded/log" start
  chattr +a "$tree/guarded/log"
  for uid in 0 1000; do
    gets "$1: $uid cannot open an append-only file for writing" EPERM "$uid" write "$view/guarded/log" x
    gets "$1: $uid cannot by O_CREAT, either" EPERM "$uid" createwrite "$view/guarded/log" x
    gets "$1: $uid cannot truncate it" EPERM "$uid" truncate "$view/guarded/log" 0
    gets "$1: $uid appends" ok "$uid" append "$view/guarded/log" "$uid"$'\n'
  done
  gets "$1: its owner cannot remove it" EPERM 1000 unlink "$view/guarded/log"
  gets "$1: nor give it a link" EPERM 1000 link "$view/guarded/log" "$view/guarded/link"
  gets "$1: nor change its mode" EPERM 1000 chmod "$view/guarded/log" 0600
  in_container 1000 attempt appendatstart "$view/guarded/log" x >/dev/null
  equal "$1: who gives O_APPEND up does not write over the start" start "$(head -c 5 "$tree/guarded/log")"
  outcome=$(in_container 1000 attempt appendbymapping "$view/guarded/log" x)
  equal "$1: nor does a shared mapping ($outcome)" start "$(head -c 5 "$tree/guarded/log")"
  chattr -a "$tree/guarded/log"
  chattr +i "$tree/guarded/log"
  for uid in 0 1000; do
    gets "$1: $uid cannot write to an immutable file" EPERM "$uid" write "$view/guarded/log" x
    gets "$1: $uid cannot append to it" EPERM "$uid" append "$view/guarded/log" x
    gets "$1: $uid cannot truncate it" EPERM "$uid" truncate "$view/guarded/log" 0
    gets "$1: $uid cannot chmod it" EPERM "$uid" chmod "$view/guarded/log" 0600
    gets "$1: $uid cannot remove it" EPERM "$uid" unlink "$view/guarded/log"
  done
  chattr -i "$tree/guarded/log"
  gets "$1: when the host gives it free, its owner writes" ok 1000 write "$view/guarded/log" START
  equal "$1: and it is written" START "$(head -c 5 "$tree/guarded/log")"
  unmount_view
  empty_tree
}

test_read_only_backing() { # passthrough=…
  # Of a directory of the machine it would be the machine's filesystem.
  [[ $BACKING != plain ]] || return 0
  mount_view toto "$view" "userns=@dockremap,$1"
  common_directory d
  in_container 1000 attempt createwrite "$view/d/f" before >/dev/null
  # The kernel tells of a close(2) a moment after it.
  if eventually 5 mount -o remount,ro "$T/containerdata"; then
    gets "$1: a write when the backing has become read-only" EROFS 1000 write "$view/d/f" x
    gets "$1: an append" EROFS 1000 append "$view/d/f" x
    gets "$1: a touch of a file that is there" EROFS 1000 touch "$view/d/f"
    gets "$1: a new file" EROFS 1000 create "$view/d/new"
    gets "$1: a new directory" EROFS 1000 mkdir "$view/d/new"
    gets "$1: a removal" EROFS 1000 unlink "$view/d/f"
    gets "$1: a chmod" EROFS 1000 chmod "$view/d/f" 0600
    gets "$1: reading goes on" $'beforeok' 1000 read "$view/d/f"
    mount -o remount,rw "$T/containerdata"
  else
    fail "the backing can be remounted read-only"
  fi
  gets "$1: when it is writable again, writing goes on" ok 1000 write "$view/d/f" AFTER-
  equal "$1: and nothing else has happened" 'AFTER- f' "$(<"$tree/d/f") $(ls -A "$tree/d")"
  unmount_view
  empty_tree
}

test_running_program() { # passthrough=…
  mount_view toto "$view" "userns=@dockremap,$1"
  common_directory d
  install -o 200999 -g 200999 -m 0755 /bin/sleep "$tree/d/program"
  local before running
  before=$(sha256sum <"$tree/d/program")
  "$tree/d/program" 60 &
  running=$!
  disown
  eventually 5 program_runs "$running"
  gets "$1: a program that runs on the host cannot be written to" ETXTBSY 1000 write "$view/d/program" x
  gets "$1: nor truncated" ETXTBSY 1000 truncate "$view/d/program" 0
  equal "$1: it is unchanged" "$before" "$(sha256sum <"$tree/d/program")"
  kill "$running"
  eventually 5 test ! -e "/proc/$running"
  gets "$1: when it has ended, it can" ok 1000 write "$view/d/program" x
  unmount_view
  empty_tree
}
program_runs() { [[ $(readlink "/proc/$1/exe") == "$tree/d/program" ]]; } # PID

# ---- who is the host's root ------------------------------------------------------------------------

test_fresh_modes() {
  echo "# modes that the host's root sets on a directory that it has just made"
  local userns root
  for userns in @dockremap host; do
    mount_view toto "$view" "userns=$userns"
    root=$(stat -c %u:%g "$view")
    mkdir "$view/secret" "$view/engine" "$view/both"
    chmod 0700 "$view/secret"
    equal "userns=$userns: chmod 700 holds" "$root 700" "$(shown secret)"
    equal "userns=$userns: on disk" 700 "$(stat -c %a "$tree/secret")"
    check "userns=$userns: nobody can claim it" is_unmarked secret
    chmod 0755 "$view/engine"
    equal "userns=$userns: chmod 755 keeps it unclaimed" "$root 777" "$(shown engine)"
    check "userns=$userns: marked" is_marked engine
    chmod 0755 "$view/both"
    chmod 0750 "$view/both"
    equal "userns=$userns: another mode after that holds" "$root 750" "$(shown both)"
    unmount_view
    mount_view toto "$view" "userns=$userns"
    equal "userns=$userns: after a mount, too" "$root 700" "$(shown secret)"
    unmount_view
    empty_tree
  done
}

# A container's root directory, with programs and the view in it.
make_jail() {
  local jail=$T/jail name
  mkdir -p "$jail"/{usr,view,programs,old}
  mount --rbind /usr "$jail/usr"
  mount --bind "$T/bin" "$jail/programs"
  mount --rbind "$view" "$jail/view"
  for name in bin sbin lib lib64; do
    if [[ -L /$name ]]; then ln -sf "$(readlink "/$name")" "$jail/$name"; fi
  done
}

test_other_roots() {
  echo "# userns=host: a container in the host's pid namespace has a root directory of its own"
  [[ -L /bin ]] || return 0 # a jail needs more than /usr here
  mount_view toto "$view" userns=host
  make_jail
  mkdir "$view/by-host" "$view/given"
  equal "the host's root makes an unclaimed directory" '0:0 777' "$(shown by-host)"
  chroot "$T/jail" /bin/mkdir /view/by-chroot
  equal "who has changed its root does not" '0:0 755' "$(shown by-chroot)"
  check "it is not marked" is_unmarked by-chroot
  unshare --mount sh -c "mount --rbind $T/jail $T/jail && cd $T/jail &&
    pivot_root . old && cd / && mkdir /view/by-pivot"
  equal "who has another by pivot_root(2) does not" '0:0 755' "$(shown by-pivot)"
  chroot "$T/jail" /bin/chmod 0755 /view/given
  equal "its chmod claims" '0:0 755' "$(shown given)"
  umount -R "$T/jail/view" "$T/jail/programs" "$T/jail/usr"
  unmount_view
  empty_tree
}

# ---- callers whom no map knows ---------------------------------------------------------------------

test_unmapped_callers() { # POLICY
  echo "# owner=$1: callers without a container id"
  mount_view toto "$view" "userns=@dockremap,owner=$1"
  chmod 0711 "$view"
  in_container 0 sh -c "mkdir -m 0777 $view/from && chmod 0777 $view/from && cd $view/from && mkdir -m 0777 d && : >f && chmod 0666 f"
  mkdir "$view/fresh"
  local uid
  for uid in 5000 1500; do
    host_gets "$uid cannot move a file into a fresh volume" EOVERFLOW "$uid" rename "$view/from/f" "$view/fresh/f"
    host_gets "$uid cannot link one into it" EOVERFLOW "$uid" link "$view/from/f" "$view/fresh/l"
    host_gets "$uid cannot make one in it" EOVERFLOW "$uid" create "$view/fresh/new"
  done
  equal "the volume is still unclaimed" '100000:100000 777' "$(shown fresh)"
  check "and marked" is_marked fresh
  equal "and empty" "" "$(ls -A "$tree/fresh")"
  equal "and nothing has been moved" $'d\nf' "$(ls -A "$tree/from")"
  gets "who has an id claims it" ok 1000:1000 create "$view/fresh/f"
  equal "and owns it" '101000:101000 755' "$(shown fresh)"
  unmount_view
  empty_tree
}

# ---- xattrs ----------------------------------------------------------------------------------------

test_xattrs() {
  echo "# xattrs"
  mount_view toto "$view" userns=@dockremap,owner=virtual
  common_directory d
  in_container 1000:1000 sh -c "echo text >$view/d/f"
  local name
  name=$(getfattr -d -m override_stat "$tree/d/f" 2>/dev/null | sed -n 's/=.*//p')
  check "a virtual owner is kept in an xattr" test -n "$name"
  setfattr -n "$name" -v "$(printf '%0200d' 1)" "$tree/d/f"
  echo 2 >/proc/sys/vm/drop_caches
  gets "a file with 200 bytes in it can be read by container root" $'text\nok' 0 read "$view/d/f"
  gets "chowned" ok 0 chown "$view/d/f" 1000 1000
  gets "written to" ok 1000:1000 append "$view/d/f" more
  equal "and listed with its owner" '101000:101000 644' "$(shown d/f)"
  setfattr -n "$name" -v "$(printf '%0200d' 1)" "$tree/d/f"
  gets "and removed" ok 0 unlink "$view/d/f"
  unmount_view
  empty_tree

  mount_view
  common_directory d
  in_container 1000:1000 sh -c "echo text >$view/d/f"
  setfattr -n trusted.secret -v 1 "$tree/d/f"
  setfattr -n user.open -v 1 "$tree/d/f"
  mkdir "$view/fresh"
  equal "a container's user is told no name of trusted.*" user.open "$(in_container 1000:1000 getfattr -m - "$view/d/f" 2>/dev/null | sed '/^#/d;/^$/d')"
  equal "nor is its root" user.open "$(in_container 0 getfattr -m - "$view/d/f" 2>/dev/null | sed '/^#/d;/^$/d')"
  equal "the host's root is" $'trusted.secret\nuser.open' "$(getfattr -m - "$view/d/f" 2>/dev/null | sed '/^#/d;/^$/d' | sort)"
  equal "but not of the mark of a fresh volume" "" "$(getfattr -m - "$view/fresh" 2>/dev/null)"
  unmount_view
  empty_tree
}

test_setgid_and_acls() {
  echo "# setting an ACL with the group among the supplementary ones"
  mount_view
  common_directory d
  in_container 0 sh -c "cd $view/d && mkdir d && : >f && chown 1000:2000 d f && chmod 2775 d f"
  in_container 0 setpriv --reuid 1000 --regid 1000 --groups 2000 -- setfacl -m u:1001:rwx "$view/d/d" "$view/d/f"
  equal "keeps the setgid bit of a file and a directory" '2775 2775' "$(stat -c %a "$view/d/d" "$view/d/f" | xargs)"
  in_container 1000:1000 setfacl -m u:1002:rwx "$view/d/f"
  equal "who is not in the group loses it" 775 "$(stat -c %a "$view/d/f")"
  unmount_view
  empty_tree
}

# ---- create against unlink -------------------------------------------------------------------------

race_of() { # SENTENCE OPENS-FILE OPENS-FILE
  local opens
  opens=$(sed -n 's/ opens$//p' "$2" "$3" | paste -sd+ | bc)
  if grep -qv ' opens$' "$2" "$3"; then
    fail "$1" "$opens opens" "$(grep -hv ' opens$' "$2" "$3")"
  elif ((opens < 100)); then
    fail "$1" "only $opens opens"
  else
    ok "$1 ($opens opens)"
  fi
}

test_create_against_unlink() {
  echo "# open(O_CREAT) against unlink(2) of the same name, by its owner"
  mount_view toto "$view" userns=@dockremap,cache=none
  mount_view toto "$T/second" userns=@dockremap,cache=none
  common_directory race
  chmod 0777 "$view/race"
  in_container 1000:1000 open_against_unlink "$view/race/f" 10000 3 >"$T/one" &
  in_container 1000:1000 open_against_unlink "$T/second/race/f" 10000 3 >"$T/two" &
  wait $!
  eventually 10 test -s "$T/one"
  race_of "from two views nobody is refused" "$T/one" "$T/two"
  in_container 1000:1000 open_against_unlink "$view/race/f" 10000 2 >"$T/three" &
  as_uid 200999 200999 open_against_unlink "$tree/race/f" 10000 2 >"$T/four"
  eventually 10 test -s "$T/three"
  race_of "from a view and the host nobody is refused" "$T/three" "$T/four"
  unmount_view "$T/second"
  unmount_view
  empty_tree
}

# ---- views inside their own tree -------------------------------------------------------------------

abort_view() { # DIR
  local id
  id=$(findmnt -nro MAJ:MIN --mountpoint "$1" | tail -n 1)
  mountpoint -q /sys/fs/fuse/connections || mount -t fusectl fusectl /sys/fs/fuse/connections
  echo 1 >"/sys/fs/fuse/connections/${id#*:}/abort"
}
answers() { # SENTENCE EXPECTED VIEW COMMAND...: or the view is aborted, so that the test can end
  local output code=0
  output=$(timeout --kill-after 1 5 "${@:4}" 2>&1) || code=$?
  if ((code == 124 || code == 137)); then
    abort_view "$3"
    fail "$1" "it hangs: ${*:4}"
  else
    equal "$1" "$2" "$output"
  fi
}


test_views_inside() {
  echo "# views inside their own tree"
  install -d -o 1500 -g 1500 "$tree/data"
  echo top >"$tree/x"
  echo inner >"$tree/data/x"
  chown 200999:200999 "$tree/x" "$tree/data/x"

  mount_view toto "$tree/data"
  answers "the whole tree, mounted on a directory in it, is seen there" top "$tree/data" cat "$tree/data/x"
  answers "the directory that it covers is seen in it, once" inner "$tree/data" cat "$tree/data/data/x"
  answers "and not again below that" ENOENT "$tree/data" attempt read "$tree/data/data/data/x"
  answers "a walk through it ends" '4' "$tree/data" sh -c "find $tree/data | wc -l"
  answers "owners are right below" '101000:101000' "$tree/data" stat -c %u:%g "$tree/data/data/x"
  answers "files can be made below" ok "$tree/data" attempt createwrite "$tree/data/data/new" text
  unmount_view "$tree/data"
  equal "they are in the covered directory" text "$(cat "$tree/data/new")"
  rm "$tree/data/new"

  mount_view toto:/data "$tree/data"
  mount_view toto:/data "$T/second"
  mount_view toto "$view"
  local at
  for at in "$tree/data" "$T/second" "$view/data"; do
    equal "${at#"$T"/}: owners are right beside a view that covers its source" '100000:100000 101000:101000' \
      "$(stat -c %u:%g "$at" "$at/x" | xargs)"
    chmod 0711 "$view"
    equal "${at#"$T"/}: root of a container writes there" ok "$(in_container 0 attempt createwrite "$at/by-root" "$at")"
    equal "${at#"$T"/}: it is the same file everywhere" "$at $at $at" \
      "$(sleep 1.1; cat "$tree/data/by-root" <(echo) "$T/second/by-root" <(echo) "$view/data/by-root" | xargs)"
    in_container 0 attempt truncate "$at/by-root" 0 >/dev/null
  done
  equal "it has the right owner" 100000:100000 "$(stat -c %u:%g "$T/second/by-root")"
  unmount_view
  unmount_view "$T/second"
  unmount_view "$tree/data"
  equal "and so it has on disk" 1500:1500 "$(stat -c %u:%g "$tree/data/by-root")"
  empty_tree
}

# ---- descriptors and locks kept for good -----------------------------------------------------------

test_open_files() { # passthrough=…
  (ulimit -n 2048 && mount_view toto "$view" "userns=@dockremap,$1")
  common_directory many
  common_directory other
  in_container 1001:1001 attempt createwrite "$view/other/f" text >/dev/null
  local count='' stopped='' hog_pid input
  coproc hog { in_container 1000:1000 open_many "$view/many" 5000; }
  hog_pid=$!
  read -r -t 30 count stopped <&"${hog[0]}"
  case $stopped in
    ENFILE | EMFILE) ok "$1: one user opens $count files, and then gets $stopped" ;;
    *) fail "$1: one user opens files until ENFILE or EMFILE" "after $count: $stopped" ;;
  esac
  echo 2 >/proc/sys/vm/drop_caches
  others_go_on "$1" "$count"
  input=${hog[1]}
  exec {input}>&-
  wait "$hog_pid"
  check "$1: when the files are closed, others can be opened" eventually 5 in_container 1001:1001 attempt createwrite "$view/other/new" text
  check "$1: all are removed" rm -rf "$view/many"
  unmount_view
  empty_tree
}

others_go_on() { # passthrough=… COUNT
  check "$1: another user still sees its file" in_container 1001:1001 stat "$view/other/f"
  equal "$1: lists the directory" f "$(in_container 1001:1001 ls "$view/other" 2>&1)"
  check "$1: sees each of the others' files" in_container 1001:1001 stat "$view/many/0" "$view/many/$(($2 - 1))"
  gets "$1: makes a directory" ok 1001:1001 mkdir "$view/other/d"
  gets "$1: renames" ok 1001:1001 rename "$view/other/f" "$view/other/g"
  gets "$1: removes" ok 1001:1001 unlink "$view/other/g"
}

# Who works in a tree by descriptors has many. Where the view's do not suffice they are opened again each time.
test_open_directories() {
  echo "# one user opens more directories than a view has descriptors"
  (ulimit -n 2048 && mount_view toto "$view" userns=@dockremap)
  common_directory many
  common_directory other
  in_container 1001:1001 attempt createwrite "$view/other/f" text >/dev/null
  local count='' stopped='' hog_pid input
  coproc hog { in_container 1000:1000 open_many "$view/many" 5000 directories; }
  hog_pid=$!
  read -r -t 30 count stopped <&"${hog[0]}"
  equal "one user opens 5000 directories" "5000 all" "$count $stopped"
  others_go_on directories "$count"
  input=${hog[1]}
  exec {input}>&-
  wait "$hog_pid"
  check "when they are closed, they are listed" eventually 5 in_container 1001:1001 ls -R "$view/many"
  check "and removed" rm -rf "$view/many"
  unmount_view
  empty_tree
}

test_held_locks() {
  echo "# the tenant keeps locks on fresh volumes"
  mount_view
  common_directory free
  local i pids=() callers=() before slowest=0 took
  for i in {1..8}; do
    mkdir "$view/locked-$i"
    setpriv --reuid 1500 --regid 1500 --clear-groups flock --no-fork "$tree/locked-$i" sleep 60 &
    pids+=($!)
    disown
  done
  eventually 5 locks_are_held 8
  for i in {1..8}; do
    while [[ -e $view/locked-$i && ! -e $T/locks-end ]]; do in_container 1000:1000 attempt create "$view/locked-$i/f"; done >"$T/outcomes-$i" &
    callers+=($!)
  done
  sleep 0.3
  for i in {1..15}; do
    before=${EPOCHREALTIME/./}
    in_container 1001:1001 attempt create "$view/free/$i" >/dev/null
    took=$((${EPOCHREALTIME/./} - before))
    ((took <= slowest)) || slowest=$took
  done
  touch "$T/locks-end"
  wait "${callers[@]}"
  if ((slowest < 1000000)); then ok "others wait less than 1 s, at most $((slowest / 1000)) ms"; else fail "others wait less than 1 s" "$((slowest / 1000)) ms"; fi
  equal "others' files are all there" 15 "$(find "$tree/free" -type f | wc -l)"
  equal "who comes to a locked volume is refused" EBUSY "$(sort -u "$T"/outcomes-*)"
  kill "${pids[@]}"
  eventually 5 locks_are_held 0
  gets "when the lock is gone, the volume can be claimed" ok 1000:1000 create "$view/locked-1/f"
  equal "and is" '101000:101000 755' "$(shown locked-1)"
  unmount_view
  empty_tree
}
locks_are_held() { # COUNT
  local i held=0
  for i in {1..8}; do flock --nonblock "$tree/locked-$i" true || held=$((held + 1)); done
  ((held == $1))
}

test_file_handles
test_devices
test_group_root
echo "# files that the host protects"
for passthrough in auto off; do
  test_append_only "passthrough=$passthrough" ""
  test_append_only "passthrough=$passthrough" known
  test_flags_of_open_files "passthrough=$passthrough"
  test_read_only_backing "passthrough=$passthrough"
  test_running_program "passthrough=$passthrough"
done
test_fresh_modes
test_other_roots
test_unmapped_callers map
test_unmapped_callers virtual
test_xattrs
test_setgid_and_acls
test_create_against_unlink
test_views_inside
echo "# somebody opens all the files that can be open"
test_open_files passthrough=auto
test_open_files passthrough=off
test_open_directories
test_held_locks
