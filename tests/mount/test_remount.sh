#!/bin/bash
# mount -o remount of a running view: as with any filesystem, by the type that a mounted view has (mount(8)
# looks for mount.fuse.cvfs then) and by fstab's. What is served stays what it is.
# shellcheck source=../support/view_env.sh
source "$(dirname "$0")/../support/view_env.sh"
use_test_programs

view=$T/view

flags() { findmnt -rn -o VFS-OPTIONS "$view" | tr , '\n' | grep -xE 'ro|rw|no.*' | paste -sd, -; }
becomes() { # SENTENCE FLAGS COMMAND...
  check "$1" "${@:3}"
  equal "$1: it has become that" "$2" "$(flags)"
}

mount_view toto "$view" userns=@dockremap
chmod 0711 "$view"
in_container 0 mkdir -m 1777 "$view/d"

for by in mountinfo fstab; do
  echo "# by what stands in $by"
  becomes "read-only" ro,nosuid,nodev mount -o remount,ro "$view"
  equal "$by: nothing can be made" EROFS "$(in_container 1000 attempt create "$view/d/f")"
  becomes "writable again" rw,nosuid,nodev mount -o remount,rw "$view"
  equal "$by: and files can be made" ok "$(in_container 1000 attempt create "$view/d/f")"
  becomes "without programs" rw,nosuid,nodev,noexec mount -o remount,noexec "$view"
  becomes "with them" rw,nosuid,nodev mount -o remount,exec "$view"
  becomes "without access times" rw,nosuid,nodev,noatime mount -o remount,noatime "$view"
  becomes "suid and dev are not given later" rw,nosuid,nodev mount -o remount,relatime,suid,dev "$view"
  exec {held}>"$view/d/held"
  check "$by: not read-only while somebody writes" bash -c '! mount -o remount,ro "$0" 2>/dev/null' "$view"
  exec {held}>&-
  echo "toto:/ $view cvfs containerdata=$T/containerdata,userns=@dockremap 0 0" >/etc/fstab
done
setting() { "$CVFS_BIN/cvfs" status --json toto | python3 -c 'import json, sys; print(json.load(sys.stdin)[0][sys.argv[1]])' "$1"; }
becomes "a cache and a log are changed on the way" ro,nosuid,nodev mount -o remount,ro,cache=none,log=debug "$view"
equal "they are" "none (mounted with notify) debug" "$(setting cache) $(setting log)"
becomes "and back" rw,nosuid,nodev mount -o remount,rw,cache=auto,log=info "$view"
equal "they are as before" "notify info" "$(setting cache) $(setting log)"
expect_fail 1 "cache=x: not auto, notify, none or ttl" mount -o remount,cache=x "$view"
becomes "what is served does not change" rw,nosuid,nodev mount -o remount,owner=virtual "$view"
equal "it is the same view" 1 "$(count_daemons)"
unmount_view
expect_fail 32 "no view is mounted here" /sbin/mount.cvfs toto "$view" -o remount,ro

rm /etc/fstab
check "a view is mounted by that type, too" mount -t fuse.cvfs toto:/ "$view" -o "containerdata=$T/containerdata,userns=@dockremap"
unmount_view
