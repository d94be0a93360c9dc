#!/bin/bash
# All of a view's processes die at once, and with them all that the view knew. It is mounted again
# over what is left of it, and whatever had been answered before is there, whole, and nobody else's.
# shellcheck source-path=SCRIPTDIR source=../support/crash_env.sh
source "$(dirname "$0")/../support/crash_env.sh"

readonly tree=$T/containerdata/user-toto processes=4

# Not mount_view: its mkdir(1) does not like a dead directory.
mount_over() { # SPEC DIR [OPTIONS]
  mount -t cvfs "$1" "$2" -o "containerdata=$T/containerdata${3:+,$3}"
}

losses_noticed() { (($(grep -c '^LOST' "$T/load.out") == $1)); } # COUNT

# Everything that crash_load makes has a name like these; nothing else may be left.
strangers() {
  find "$tree/load" -mindepth 1 -printf '%p\n' |
    grep -vE '/(shared|p[0-9]+(-[0-9]+){2,3}|f[0-9]+|held|held-entry-[0-9]+|unlinked|moved|child-with-a-name-[0-9]+)$'
}

# Stored ids of container root and 1000, 1001 and 65535; with owner=virtual, the tenant's alone.
strange_owners() { # UID...
  local uid
  local -a of_nobody=()
  for uid in "$@"; do of_nobody+=(! -uid "$uid"); done
  find "$tree/load" -mindepth 1 "${of_nobody[@]}" -printf '%P %U\n'
}

losses_under_load() { # OWNER STORED-UID...
  mount_crash_view "owner=$1"
  load 14 "$processes" "" --losses & # the losses take 8 s at most, and what a busy machine adds
  local load=$! code=0 loss
  for loss in {1..4}; do
    sleep "$((RANDOM % 2)).$((2 + RANDOM % 8))"
    lose_view || fail "no process is left"
    eventually 10 losses_noticed $((loss * processes)) || fail "everybody notices" "$(tail -n 5 "$T/load.out")"
    mount_over toto "$T/view" "userns=@dockremap,owner=$1" || fail "loss $loss: it mounts again"
  done
  wait "$load" || code=$?
  equal "owner=$1: after each loss everything is there" "0 " "$code $(unexpected)"
  grep -E '^process' "$T/load.out" | sed 's/^/      /'
  equal "as often as it was lost" 4 "$(grep -c 'a dead view was still mounted here; it is detached' <(tail -n +"$log_start" "$T/log"))"
  equal "there is one mount" 1 "$(findmnt -rn -t fuse.cvfs | wc -l)"
  equal "nothing else is left" "" "$(strangers)"
  equal "nothing belongs to somebody else" "" "$(strange_owners "${@:2}")"
  unmount_view "$T/view" || fail "it unmounts"
  rm -rf "$tree/load"
}

losses_under_load map 1500 200999 201000 265534
losses_under_load virtual 1500

echo "# what lost its makers before it had its label (owner=virtual)"
mount_crash_view owner=virtual
(umask 0 && as_uid 101000 101000 mkdir -m 2751 "$T/view/load/directory" && as_uid 101000 101000 mkfifo -m 640 "$T/view/load/fifo")
setfattr -x user.containers.override_stat "$tree/load/directory"
setfattr -h -x trusted.cvfs.override_stat "$tree/load/fifo"
lose_view && mount_over toto "$T/view" userns=@dockremap,owner=virtual
equal "is container root's, with no more rights than were asked for" "100000:100000 751 directory
100000:100000 640 fifo" "$(cd "$T/view/load" && stat -c '%u:%g %a %n' directory fifo)"
unmount_view "$T/view"

echo "# a dead view over its own source"
mount_view toto "$tree"
echo text >"$tree/file"
lose_view
check "mounts again" mount_over toto "$tree" userns=@dockremap
equal "and is a view" "text 100000" "$(cat "$tree/file") $(stat -c %u "$tree/file")"
check "and unmounts" unmount_view "$tree"

echo "# one dead view over another"
for target in "$T/view" "$tree"; do mount_view toto "$target"; done
lose_view
mount -t tmpfs tmpfs "$T/view"
expect_fail 32 'something is mounted here already' mount_over toto "$T/view"
umount "$T/view"
check "a check alone" mount -f -t cvfs toto "$T/view" -o "containerdata=$T/containerdata"
equal "changes nothing" 2 "$(findmnt -rn -t fuse.cvfs | wc -l)"
check "each is replaced" eval 'mount_over toto "$T/view" && mount_over toto "$tree"'
equal "and no other mount is left" 2 "$(findmnt -rn -t fuse.cvfs | wc -l)"
unmount_view "$T/view" && unmount_view "$tree"

echo "# what is no dead view stays"
mount_view toto "$T/view"
expect_fail 32 'something is mounted here already' mount_over titi "$T/view"
mapfile -t pids < <(view_processes)
kill -STOP "${pids[@]}"
mount_over titi "$T/view" 2>"$T/answer" &
waiting=$!
sleep 0.5
equal "one that hangs" 1 "$(findmnt -rn -t fuse.cvfs | wc -l)"
kill -CONT "${pids[@]}"
wait "$waiting"
check "is refused once it answers" grep -q 'something is mounted here already' "$T/answer"
check "and serves on" grep -q text "$T/view/file"
unmount_view "$T/view"
python3 -c '
import ctypes, os, sys
fuse = os.open("/dev/fuse", os.O_RDWR)
options = f"fd={fuse},rootmode=40000,user_id=0,group_id=0".encode()
sys.exit(ctypes.CDLL(None).mount(b"x", sys.argv[1].encode(), b"fuse.other", 0, options))' "$T/view"
expect_fail 1 'not connected' stat "$T/view/file"
expect_fail 32 'something is mounted here already' mount_over toto "$T/view"
check "the dead mount of another filesystem" umount "$T/view"
