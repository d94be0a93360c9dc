#!/bin/bash
# cache=ttl:S and cache=none keep their word; where nothing can be watched, auto is ttl:1 and notify an
# error; how many views are watched is bounded.
. "${CVFS_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/view_env.sh"
# shellcheck source-path=SCRIPTDIR source=../support/cache_env.sh
. "$CVFS_SOURCE/tests/support/cache_env.sh"
use_test_programs
tree=$T/containerdata/user-toto/data
view=$T/view
set +e

echo "# cache=none"
mount_view toto:/data "$view" "$as_root,cache=none"
equal "is what it is" none "$(field_of cache)"
: >"$tree/f"
each_state_is_seen() {
  python3 - "$tree" "$view" <<'PYTHON'
import os, sys
tree, view = sys.argv[1:]
for i in range(1, 500):
    os.truncate(tree + "/f", i)
    assert os.stat(view + "/f").st_size == i, f"size {i}"
    os.chmod(tree + "/f", 0o600 | i % 2)
    assert os.stat(view + "/f").st_mode & 1 == i % 2, f"mode at {i}"
    os.rename(tree + "/f", tree + "/g")
    assert not os.path.exists(view + "/f") and os.path.exists(view + "/g"), f"names at {i}"
    assert "g" in os.listdir(view) and "f" not in os.listdir(view), f"listing at {i}"
    os.rename(tree + "/g", tree + "/f")
    assert os.path.exists(view + "/f"), f"name at {i}"
PYTHON
}
check "each state that the host makes is seen at once" each_state_is_seen
unmount_view

echo "# cache=ttl:S"
mount_view toto:/data "$view" "$as_root,cache=ttl:1"
equal "is what it is" ttl:1.0 "$(field_of cache)"
equal "nothing is watched" None "$(field_of watch)"
hammer "nothing older than that is shown" "$tree" "$view" 6 1500
unmount_view
mount_view toto:/data "$view" "$as_root,cache=ttl:600"
echo 1 >"$tree/f"
stat "$view/f" >/dev/null
sleep 0.1
echo longer >"$tree/f"
equal "what may be believed is believed" 2 "$(stat -c %s "$view/f")"
finds_what_is_old() { ! cache_hammer "$tree" "$view" 4 1000 1000; }
check "the hammer finds what is old" finds_what_is_old
rm -rf "$tree"/d? "$tree/fresh"
unmount_view

echo "# where nothing can be watched"
mkdir -p "$T/layers/own/lower" "$T/layers/own/upper" "$T/layers/own/work" "$T/stacked"
mount -t overlay overlay "$T/stacked" \
  -o "lowerdir=$T/layers/own/lower,upperdir=$T/layers/own/upper,workdir=$T/layers/own/work"
install -d -m 0700 -o 1500 -g 1500 "$T/stacked/user-toto"
: >"$T/log"
mount -t cvfs toto "$view" -o "containerdata=$T/stacked,userns=host"
equal "auto is ttl:1" ttl:1.0 "$(field_of cache)"
check "and the log says why" grep -q 'cache=ttl:1, as the filesystem does not tell what changes' "$T/log"
unmount_view
expect_fail 2 'cache=notify: the filesystem does not tell what changes: ' \
  mount -t cvfs toto "$view" -o "containerdata=$T/stacked,userns=host,cache=notify"
check "nothing is mounted then" test -z "$(views)"
umount "$T/stacked"

echo "# a subvolume of btrfs"
if command -v mkfs.btrfs >/dev/null && truncate -s 200M "$T/btrfs" && mkfs.btrfs -q "$T/btrfs" >/dev/null && mkdir "$T/volumes" &&
  mount -o loop "$T/btrfs" "$T/volumes"; then
  btrfs -q subvolume create "$T/volumes/user-toto"
  chown 1500:1500 "$T/volumes/user-toto"
  mount -t cvfs toto "$view" -o "containerdata=$T/volumes,userns=host"
  equal "is watched" notify "$(field_of cache)"
  stat "$view/f" >/dev/null 2>&1
  : >"$T/volumes/user-toto/f"
  check "and what is made there is seen" eventually 1 test -e "$view/f"
  unmount_view
  umount "$T/volumes"
fi

echo "# owner=caller"
mount_view toto:/data "$view" userns=host,owner=caller
equal "caches nothing" none "$(field_of cache)"
unmount_view

echo "# many views of one filesystem"
for i in 1 2 3 4 5 6 7 8; do mount_view toto:/data "$T/v$i" "$as_root"; done
equal "the eighth is watched" notify "$(field_of cache "$T/v8")"
: >"$T/log"
mount_view toto:/data "$view" "$as_root"
equal "the ninth is not" ttl:1.0 "$(field_of cache)"
check "and the log says why" grep -q '8 views watch this filesystem already' "$T/log"
unmount_view
mount_view toto:/data "$view" "$as_root,cache=notify"
equal "unless it is asked for" notify "$(field_of cache)"
unmount_view
unmount_view "$T/v3"
mount_view toto:/data "$view" "$as_root"
equal "a place is free again when its view is unmounted" notify "$(field_of cache)"
