#!/bin/bash
# What the host does between a worker's death and the next one is not taken for what the view had done,
# nor undone: a request that is sent again sees whether the change was its own.
# shellcheck source-path=SCRIPTDIR source=../support/crash_env.sh
source "$(dirname "$0")/../support/crash_env.sh"

readonly wish=$T/wish
disk=$T/containerdata/user-toto/load
view=$T/view/load

has_ended() { grep -q '^State:.*Z' "/proc/$1/status" || ! [[ -e /proc/$1 ]]; }

# The worker kills itself when the first request of that OPCODE, which COMMAND of the view is, comes to
# POINT the TIMEth time; the host runs `meanwhile` before there is another. COMMAND's output and exit code
# are in $told and $code.
interrupt() { # POINT OPCODE[:TIME] COMMAND...
  local doomed asker
  echo "$1:1:$2" >"$wish"
  kill_worker || fail "a worker serves"
  ls "$view/none" 2>/dev/null
  echo hold >"$wish"
  doomed=$(worker)
  "${@:3}" >"$T/told" 2>&1 &
  asker=$!
  eventually 5 has_ended "$doomed" || fail "the worker dies of it: ${*:3}"
  sleep 0.02 # the clock of files is some milliseconds late
  meanwhile
  : >"$wish"
  code=0
  wait "$asker" || code=$?
  told=$(<"$T/told")
}

succeeds() { # SENTENCE
  equal "$1" "0 " "$code $told"
}

fails() { # SENTENCE REASON
  if ((code != 0)) && [[ $told == *"$2"* ]]; then ok "$1"; else fail "$1" "exit code $code: $told"; fi
}

rename_to() { python3 -c 'import os, sys; os.rename(*sys.argv[1:])' "$@"; }
truncated() { : >"$1"; }
exclusively() { (set -C && : >"$1"); }

: >"$wish"
use_cvfsd cvfsd-crashtest "$wish"
mount_crash_view ''
readonly as_view="chown --no-dereference --reference=$disk"

echo "# names that the host makes anew"
echo old >"$view/file"
meanwhile() { echo precious >"$disk/file"; }
interrupt executed 10 unlink "$view/file"
succeeds "unlink: it is done"
equal "and the host's file stays" precious "$(cat "$disk/file")"
rm "$disk/file"
mkdir "$view/directory"
meanwhile() { mkdir "$disk/directory"; }
interrupt executed 11 rmdir "$view/directory"
succeeds "rmdir: it is done"
check "and the host's directory stays" rmdir "$disk/directory"
echo yesterday >"$view/log"
meanwhile() { echo today >"$disk/log" && $as_view "$disk/log"; }
interrupt executed 12 rename_to "$view/log" "$view/log.1"
succeeds "rename: it is done"
equal "and the host's file stays" "today yesterday" "$(cat "$disk/log" "$disk/log.1" | paste -sd' ')"

echo "# names that the host has taken"
mkdir "$view/to"
touch -d yesterday "$disk/to" # time is whole seconds on some filesystems
meanwhile() { mv "$disk/log" "$disk/taken"; }
interrupt intent 12 rename_to "$view/log" "$view/to/mine"
fails "rename: the host was first" "No such file"
meanwhile() { mkdir "$disk/lock"; }
interrupt intent 9 mkdir "$view/lock"
fails "mkdir: the host was first" "File exists"
meanwhile() { ln -s host:1 "$disk/symlink" && $as_view "$disk/symlink"; }
interrupt intent 6 ln -s view:1 "$view/symlink"
fails "symlink: the host was first" "File exists"
meanwhile() { echo host >"$disk/exclusive" && $as_view "$disk/exclusive"; }
interrupt intent 35 exclusively "$view/exclusive"
fails "O_EXCL: the host was first" "cannot overwrite existing file"

echo "# what the host has not touched"
meanwhile() { :; }
interrupt executed 9 mkdir -m 2750 "$view/made"
succeeds "mkdir"
setfacl -d -m u:101234:rwx "$view/made"
interrupt executed 9 mkdir "$view/made/below"
succeeds "mkdir, where a default ACL gives the mode"
interrupt executed 35 exclusively "$view/made/file"
succeeds "O_EXCL there"
interrupt executed 6 ln -s view:1 "$view/made/symlink"
succeeds "symlink"
interrupt executed 8 mkfifo "$view/made/fifo"
succeeds "mkfifo"
interrupt intent 12 rename_to "$view/made/file" "$view/made/renamed"
succeeds "rename"
ln "$view/made/renamed" "$view/made/link"
interrupt executed 10 unlink "$view/made/link"
succeeds "unlink of one of two names"
check "the other is there" rm "$view/made/renamed"

echo "# what is written in between"
echo "long, and old" >"$view/data"
meanwhile() { echo new >>"$disk/data"; }
interrupt executed 14 truncated "$view/data"
succeeds "open(O_TRUNC): it is done"
equal "and once" new "$(cat "$disk/data")"
echo "long, and old" >"$view/data"
interrupt executed 4 truncate -s 0 "$view/data"
succeeds "truncate: it is done"
equal "and once" new "$(cat "$disk/data")"

echo "# what the host does to what was made"
if [[ $BACKING != *-seconds ]]; then # which know too little of when a file was born
  meanwhile() { chmod 700 "$disk/changed"; }
  interrupt executed 9 mkdir "$view/changed"
  succeeds "mkdir: the host changes its mode"
  meanwhile() { echo precious >>"$disk/written"; }
  interrupt executed 35 exclusively "$view/written"
  succeeds "O_EXCL: the host writes to it"
  equal "which stays" precious "$(cat "$disk/written")"
  meanwhile() { echo precious >>"$disk/cut"; }
  interrupt executed 35 truncated "$view/cut"
  succeeds "open(O_CREAT | O_TRUNC) of a new file: the host writes to it"
  equal "which stays" precious "$(cat "$disk/cut")"
fi
meanwhile() { echo precious >>"$disk/done"; }
interrupt "done" 35 truncated "$view/done"
succeeds "open(O_CREAT | O_TRUNC) of a new file, done: the host writes to it"
equal "which stays" precious "$(cat "$disk/done")"

echo "# what was made, and the host has taken before anybody heard of it"
echo source >"$view/source"
meanwhile() { rmdir "$disk/gone"; }
interrupt "done" 9 mkdir "$view/gone"
succeeds "mkdir: it is made again"
check "and is there" rmdir "$disk/gone"
meanwhile() { rm "$disk/gone"; }
interrupt "done" 35 truncated "$view/gone"
succeeds "create: it is made again"
check "and is there" rm "$disk/gone"
interrupt "done" 13 ln "$view/source" "$view/gone"
succeeds "link: it is made again"
equal "and is there" source "$(cat "$disk/gone")"
rm "$disk/gone"
meanwhile() { mv "$disk/gone" "$disk/elsewhere"; }
interrupt "done" 6 ln -s target "$view/gone"
succeeds "symlink: it is made again"
equal "and is there" "target target" "$(readlink "$disk/gone" "$disk/elsewhere" | paste -sd' ')"
rm "$disk/gone" "$disk/elsewhere"
meanwhile() { rmdir "$disk/gone" && echo hosts >"$disk/gone"; }
interrupt "done" 9 mkdir "$view/gone"
fails "mkdir: the host has a file there" "File exists"
equal "which stays" hosts "$(cat "$disk/gone")"
rm "$disk/gone"
meanwhile() { rm "$disk/gone" && mkdir "$disk/gone"; }
interrupt "done" 13 ln -T "$view/source" "$view/gone"
fails "link: the host has a directory there" "File exists"
check "which stays" rmdir "$disk/gone"
unmount_view "$T/view"

echo "# a file that the client does not know of, and creates"
mount_crash_view cache=ttl:60
for at in intent:2 executed:3 done:2; do
  name=at-${at%:*}
  stat "$view/$name" 2>/dev/null # from now on there is none
  printf 'long, and old' >"$disk/$name" && chown 1500:1500 "$disk/$name"
  meanwhile() { echo precious >>"$disk/$name"; }
  interrupt "${at%:*}" "35:${at#*:}" as_uid 100000 100000 sh -c ": >$view/$name"
  succeeds "open(O_CREAT | O_TRUNC), the worker dies at '${at%:*}' of the truncation"
  if [[ $at == intent* ]]; then
    check "it is cut" test ! -s "$disk/$name"
  else
    equal "it is cut once" precious "$(cat "$disk/$name")"
  fi
done
unmount_view "$T/view"

echo "# what is looked at before a change, after it"
mount_crash_view owner=caller
mkdir "$view/from" "$view/there" "$view/from/directory"
touch "$view/from/file"
meanwhile() { :; }
for name in file directory; do
  for point in executed "done"; do
    interrupt "$point" 12 rename_to "$view/from/$name" "$view/there/$name"
    succeeds "owner=caller: a $name is renamed, the worker dies at '$point'"
    mv "$view/there/$name" "$view/from/$name"
  done
done
unmount_view "$T/view"
