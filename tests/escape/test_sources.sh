#!/bin/bash
# What a view is mounted on, and what the tenant does to it meanwhile: whatever they exchange, move or link, a
# view serves their tree and nothing else. (Refusals one by one: tests/mount/test_refusals.sh.)
# shellcheck source-path=SCRIPTDIR source=../support/escape_env.sh
source "$(dirname "$0")/../support/escape_env.sh"

readonly attempts=$CVFS_SOURCE/tests/escape/attempts.py
as_toto() { as_uid 1500 1500 "$@"; }

# Somebody exchanges two names as fast as they can, until `stop`.
start_exchanging() { # FIRST SECOND
  # Not by way of a function, whose shell would be what is killed.
  setpriv --reuid 1500 --regid 1500 --clear-groups -- python3 "$attempts" exchange_forever "$1" "$2" &
  exchanger=$!
  disown
}
stop_exchanging() {
  kill -KILL "$exchanger"
  eventually 5 test ! -e "/proc/$exchanger"
}

# Mounts SPEC again and again; what is served has a file `marker`, or the mount is refused.
race() { # SENTENCE SPEC ROUNDS
  local i served=0 refused=0 escaped=
  for ((i = 0; i < $3; ++i)); do
    if mount_view "$2" "$view" userns=@dockremap,cache=none 2>/dev/null; then
      served=$((served + 1))
      [[ -e $view/marker && ! -e $view/secret && ! -e $view/file ]] || escaped+=" $(ls -A "$view" | tr '\n' ' ')"
      umount "$view"
    else
      refused=$((refused + 1))
    fi
  done
  equal "$1: $served served, $refused refused, none of them elsewhere" "" "$escaped"
}

class "symlink exchange of a bind source (CVE-2021-30465 runc, CVE-2017-1002101 and CVE-2021-25741 Kubernetes subPath, CVE-2018-15664 docker cp)"
as_toto mkdir "$tree/data" "$tree/a" "$tree/a/b"
as_toto touch "$tree/data/marker" "$tree/a/b/marker"
for target in "$outside" "$others" ../outside ../user-titi /; do
  as_toto ln -sfn "$target" "$tree/swap"
  start_exchanging "$tree/data" "$tree/swap"
  race "the source itself and a symlink to $target" toto:/data 12
  stop_exchanging
  # Whichever is now which.
  [[ ! -L $tree/data ]] || python3 "$attempts" exchange "$tree/data" "$tree/swap"
done
as_toto ln -sfn ../../outside "$tree/swap"
start_exchanging "$tree/a" "$tree/swap"
race "a directory on its way and a symlink" toto:/a/b 12
stop_exchanging
[[ ! -L $tree/a ]] || python3 "$attempts" exchange "$tree/a" "$tree/swap"
as_toto mkdir -p "$tree/c/b"
as_toto touch "$tree/c/b/marker"
start_exchanging "$tree/a" "$tree/c"
race "a directory on its way and another of the tenant's" toto:/a/b 8
stop_exchanging
nothing_gained

class "the source is exchanged after the mount"
mount_view toto:/data "$view" userns=@dockremap,cache=none
as_toto mv "$tree/data" "$tree/elsewhere"
as_toto ln -s "$outside" "$tree/data"
equal "the view goes on with what it was mounted on" marker "$(ls "$view")"
gets "and cannot be led elsewhere" ENOENT 0 read "$view/secret"
as_toto rm "$tree/data"
as_toto mv "$tree/elsewhere" "$tree/data"
unmount_view

class "a directory is moved out of the source while somebody is in it (CVE-2015-2925, bind mounts and ..)"
as_toto mkdir -p "$tree/data/x/y/z"
mount_view toto:/data "$view" userns=@dockremap,cache=none
chmod 0755 "$tree/data" # of the tenant, through which containers pass
in_container 0 python3 "$attempts" climb "$view/x/y/z" user-titi >"$T/climb1" &
first=$!
in_container 0 python3 "$attempts" climb "$view/x/y" outside >"$T/climb2" &
second=$!
eventually 10 grep -q there "$T/climb1"
eventually 10 grep -q there "$T/climb2"
for _ in {1..40}; do
  as_toto mv "$tree/data/x" "$tree/out" && as_toto mv "$tree/out/y" "$tree/out-y" &&
    as_toto mv "$tree/out-y" "$tree/out/y" && as_toto mv "$tree/out" "$tree/data/x"
  sleep 0.01
done
wait "$first" "$second"
equal "nobody sees what is above the source" 'there inside there inside' "$(cat "$T/climb1" "$T/climb2" | xargs)"
gets "and the view's root has no parent" $'marker\nx\nok' 0 list "$view/x/../../view"
unmount_view

class "magic links (CVE-2019-5736, CVE-2024-21626: /proc/self/exe, /proc/self/fd/N)"
for target in /proc/self/root /proc/1/root /proc/self/cwd /proc/self/fd/3 /proc/thread-self/root/etc; do
  as_toto ln -sfn "$target" "$tree/magic"
  check "toto:/magic -> $target is refused" bash -c '! mount -t cvfs toto:/magic "$1" -o "containerdata=$2,userns=host" 2>/dev/null' - "$view" "$T/containerdata"
  check "toto:/magic/etc, too" bash -c '! mount -t cvfs toto:/magic/etc "$1" -o "containerdata=$2,userns=host" 2>/dev/null' - "$view" "$T/containerdata"
done
mount_view toto "$view" userns=@dockremap
equal "on the view it is a link, read and not followed" "/proc/thread-self/root/etc" "$(readlink "$view/magic")"
unmount_view
nothing_gained
