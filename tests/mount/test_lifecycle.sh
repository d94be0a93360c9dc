#!/bin/bash
# A view from mount(8) to umount(8): it serves when mount returns, and nothing is left when it ends.
# shellcheck disable=SC2119  # unmount_view's argument has a default
# shellcheck source-path=SCRIPTDIR source=../support/view_env.sh
source "$(dirname "$0")/../support/view_env.sh"

readonly tree=$T/containerdata/user-toto
readonly map=containerdata=$T/containerdata,userns=@dockremap
install -d -o 1500 -g 1500 "$tree/data" "$tree/other"
echo text >"$tree/data/file"
chown 1500:1500 "$tree/data/file"

# Every descriptor that a cvfsd has, and the deleted files among them.
daemon_descriptors() { find /proc/"$(daemons)"/fd -mindepth 1 -printf '%l\n' | sort; }
shown() { findmnt -rn -o "$1" --mountpoint "$2"; }

echo "# mount returns when the view serves"
for round in 1 2 3 4 5; do
  mount_view toto:/data || fail "round $round mounts"
  # No waiting in between.
  [[ $(ls "$T/view") == file ]] || fail "round $round serves at once" "$(ls "$T/view" 2>&1)"
  unmount_view || fail "round $round unmounts"
done
check "five rounds leave no cvfsd" no_daemon
equal "nor a file in /run" "" "$(ls /run/cvfs)"
equal "and not a view" "" "$(views)"

echo "# what a view looks like"
mount_view toto:/data
equal "its type is fuse.cvfs" fuse.cvfs "$(shown FSTYPE "$T/view")"
equal "its source is the tenant's name and path" toto:/data "$(shown SOURCE "$T/view")"
check "it is nosuid,nodev" grep -q "^toto:/data $T/view fuse.cvfs rw,nosuid,nodev," /proc/self/mounts
equal "there is one cvfsd" 1 "$(count_daemons)"
equal "which leads a session of its own" "$(daemons)" "$(ps -o sid= -p "$(daemons)" | tr -d ' ')"
equal "and keeps no directory busy" / "$(readlink "/proc/$(daemons)/cwd")"
equal "and has nothing of the terminal" "" "$(daemon_descriptors | grep -E 'pipe:|pts/|tty')"
one_of_each() { [[ $(ps -o comm= --ppid "$(daemons)" | sort | paste -sd' ') == "cvfsd-standby cvfsd-worker" ]]; }
check "and a worker and a standby" eventually 5 one_of_each

echo "# mounting twice"
expect_fail 32 'something is mounted here already' mount -t cvfs toto:/data "$T/view" -o "$map"
check "the same tree on a second target works" mount_view toto:/data "$T/second"
equal "with a cvfsd of its own" 2 "$(count_daemons)"
echo more >"$T/second/new"
check "and both show the same" eventually 2 cmp "$T/view/new" "$T/second/new"
check "the second goes" unmount_view "$T/second"
equal "and the first stays" "file new" "$(cd "$T/view" && echo ./* | sed 's|./||g')"
check "the first goes" unmount_view
equal "no process is left" "" "$(pgrep -a -x cvfsd)"
rmdir "$T/second"

echo "# ro, a path as the source, a target that is a symlink"
mount_view "$tree/data" "$T/view" userns=@dockremap,ro
equal "a path below containerdata is the same source" toto:/data "$(shown SOURCE "$T/view")"
check "ro is shown" grep -q "^toto:/data $T/view fuse.cvfs ro," /proc/self/mounts
expect_fail 1 'Read-only file system' touch "$T/view/x"
unmount_view
ln -s view "$T/link"
(cd "$T" && mount -t cvfs toto:/data link -o "$map")
check "a relative target through a symlink is resolved" is_mounted "$T/view"
unmount_view
rm "$T/link"

echo "# over the tenant's own directory"
check "a view over its own source mounts" mount_view toto "$tree"
equal "and shows what lies below it" text "$(cat "$tree/data/file")"
equal "with the containers' ids" 100000:100000 "$(stat -c %u:%g "$tree/data/file")"
expect_fail 32 'something is mounted here already' mount -t cvfs toto "$tree" -o "$map"
check "another view of the covered tree works" mount_view toto:/data "$T/view"
equal "and translates once, not twice" 100000:100000 "$(stat -c %u:%g "$T/view/file")"
check "and goes" unmount_view
check "and so does the one over the source" unmount_view "$tree"
equal "the tree is as it was" 1500:1500 "$(stat -c %u:%g "$tree/data/file")"

echo "# umount while something is open"
mount_view toto:/data
exec {open}<"$T/view/file"
expect_fail 32 'target is busy' umount "$T/view"
check "after a refused umount it still serves" ls "$T/view"
umount -l "$T/view"
equal "umount -l takes the mount away" "" "$(views)"
equal "but not the open file" text "$(cat <&"$open")"
equal "nor its cvfsd" 1 "$(count_daemons)"
exec {open}<&-
check "cvfsd ends when the file is closed" eventually 5 no_daemon

echo "# SIGTERM to cvfsd is an umount"
mount_view toto:/data
kill -TERM "$(daemons)"
check "it ends" eventually 5 no_daemon
equal "and takes its mount along" "" "$(views)"

echo "# mount -f, -v, -n, -s, and the output"
before=$(state=$(cat /proc/self/mountinfo) && echo "$state")
check "mount -f checks" mount -f -t cvfs toto:/data "$T/view" -o "$map"
expect_fail 32 'no such directory' mount -f -t cvfs toto:/missing "$T/view" -o "$map"
equal "and mounts nothing" "$before" "$(cat /proc/self/mountinfo)"
check "and starts nothing that stays" no_daemon
output=$(mount -v -f -t cvfs toto:/data "$T/view" -o "$map")
equal "mount -v shows the command" \
  "mount.cvfs: $CVFS_BIN/cvfsd --check toto:/data $T/view -o rw,$map" "$output"
# A pipe that is read to its end: cvfsd must not hold it.
output=$(timeout 20 mount -n -t cvfs toto:/data "$T/view" -o "$map" 2>&1 | cat)
equal "mount says nothing, and its output ends" "" "$output"
unmount_view
check "mount -s passes over what it does not know" mount -s -t cvfs toto:/data "$T/view" -o "$map,fancy=1"
unmount_view
check "options for others are not ours" mount_view toto:/data "$T/view" \
  userns=@dockremap,nofail,_netdev,x-systemd.automount,comment=ours,defaults
unmount_view

echo "# -N: in another mount namespace"
unshare --mount --propagation private sleep 60 &
sleeper=$!
disown
eventually 5 bash -c "[[ \$(readlink /proc/$sleeper/ns/mnt) != \$(readlink /proc/self/ns/mnt) ]]"
check "mount -N mounts there" mount -N "$sleeper" -t cvfs toto:/data "$T/view" -o "$map"
equal "where it serves" text "$(nsenter -t "$sleeper" -m cat "$T/view/file")"
equal "and not here" "" "$(views)"
check "umount there ends it" nsenter -t "$sleeper" -m umount "$T/view"
check "and its cvfsd" eventually 5 no_daemon
kill "$sleeper"

echo "# fstab"
mkdir "$T/second"
cat >/etc/fstab <<FSTAB
toto:/data $T/view cvfs $map,nofail,x-systemd.requires-mounts-for=$T/containerdata 0 0
titi $T/second cvfs $map,ro 0 0
toto:/missing $T cvfs $map,noauto 0 0
FSTAB
check "mount -a mounts what is in fstab" mount -a
equal "all of it" "titi toto:/data" "$(findmnt -rn -t fuse.cvfs -o SOURCE | sort | xargs)"
check "a second mount -a finds it mounted" mount -a
equal "and mounts nothing again" 2 "$(count_daemons)"
check "umount -a -t fuse.cvfs ends it" umount -a -t fuse.cvfs
check "and every cvfsd" eventually 5 no_daemon
check "mount DIR reads fstab" mount "$T/view"
unmount_view
