#!/bin/bash
# What a hundred deaths leave behind: nothing. And the deaths of the supervisor, and of all.
# shellcheck source-path=SCRIPTDIR source=../support/crash_env.sh
source "$(dirname "$0")/../support/crash_env.sh"

# Descriptors by what they are: how many of each.
descriptors() { # PID
  find "/proc/$1/fd" -mindepth 1 -printf '%l\n' | sed -E 's|^(socket\|pipe):.*|\1|; s|^/proc/.*|/proc|' | sort | uniq -c
}
tree_descriptors() { descriptors "$1" | grep -c "$T/containerdata"; }
none_deleted() { (($(deleted_descriptors) == 0)); }
no_inode_more_than() { (($(backing_inodes) == $1)); } # COUNT

echo "# a hundred deaths under load"
mount_crash_view
supervisor=$(supervisor)
inodes=$(backing_inodes)
fixed=$(descriptors "$supervisor" | grep -v "$T/containerdata")
load 20 4 &
load=$!
# Makes the kernel forget many inodes at a time.
forget_much() {
  while is_running "$load"; do
    mkdir "$T/view/many" && (cd "$T/view/many" && seq 800 | xargs touch) && rm -r "$T/view/many" || echo "many: failed"
    echo 2 >/proc/sys/vm/drop_caches
  done
}
forget_much >"$T/forget.out" 2>&1 &
forgetter=$!
kill_until_ended "$load" 20 120
check_load "nobody notices" "$load"
wait "$forgetter"
equal "neither does who makes the kernel forget" "" "$(cat "$T/forget.out")"
check "workers died indeed" test "$(deaths)" -gt 80
echo "      $(summary)"
equal "it is the same supervisor" "$supervisor" "$(supervisor)"
forget_everything
check "no descriptor of a deleted file is left" eventually 5 none_deleted
check "nor a backing id: no deleted file is kept" eventually 5 no_inode_more_than "$inodes"
kill_worker || fail "another worker takes over"
equal "what else is open is what was open at first" "$fixed" "$(descriptors "$supervisor" | grep -v "$T/containerdata")"
check "of the tree, hardly more than its root" test "$(tree_descriptors "$supervisor")" -lt 10
descriptors "$supervisor" | sed 's/^/      /'
check "it unmounts" unmount_view "$T/view"
check "and no process is left" no_daemon
check "inodes that were never forgotten are few" test "$(inodes_at_end)" -lt 10
echo "      $(inodes_at_end) inodes at the end"

echo "# umount in the moment of a death"
for round in {1..20}; do
  mount_crash_view
  kill -KILL "$(worker)"
  umount "$T/view" || fail "round $round: it unmounts"
  eventually 5 no_daemon || fail "round $round: cvfsd ends"
done
ok "twenty rounds"

echo "# the supervisor dies"
mount_crash_view
echo text >"$T/view/load/file"
kill -KILL "$(supervisor)"
check "the view serves on" grep -q text "$T/view/load/file"
check "and is written to" cp "$T/view/load/file" "$T/view/load/other"
check "it unmounts" umount "$T/view"
check "and the worker ends" eventually 5 no_daemon
mount_crash_view

echo "# all die"
exec {held}<"$T/view/load/file"
check "none is left" lose_view
expect_fail 1 'Transport endpoint is not connected|not connected' stat "$T/view/load"
exec {held}<&-
check "it unmounts" umount "$T/view"
check "and mounts again" mount_crash_view
equal "with everything as it was" text "$(cat "$T/view/load/other")"
check "and serves" load 2 2
unmount_view "$T/view"
