#!/bin/bash
# Backing filesystems other than a roomy ext4: xfs, btrfs and its subvolumes, tmpfs, overlayfs, without
# ACLs, other filesystems mounted in the tree, full ones, ones whose directory goes away; and names
# that only a filesystem loves. What BACKING= says does not matter here: each test makes its own.
# shellcheck source=../support/view_env.sh
# shellcheck disable=SC2119  # unmount_view takes $T/view by itself
source "$(dirname "$0")/../support/view_env.sh"
use_test_programs

other=$T/other # a containerdata of our own
tree=$other/user-toto
view=$T/view

# As UID[:GID] of a container, `attempt` has this outcome.
gets() { # SENTENCE OUTCOME UID[:GID] CALL ARGUMENTS...
  equal "$1" "$2" "$(in_container "$3" attempt "${@:4}")"
}
mount_other_view() { # OPTIONS
  mount_view toto "$view" "userns=@dockremap,containerdata=$other,$1"
}
common_directory() { # NAME: everybody may write there, nobody's claim
  in_container 0 mkdir -m 1777 "$view/$1"
}
drop_caches() { echo 2 >/proc/sys/vm/drop_caches; }

# ---- filesystems -----------------------------------------------------------------------------------

mount_file() { # TYPE OPTIONS SIZE MKFS...: on $other; ends with 1 where the machine has no such filesystem
  command -v "$4" >/dev/null || return 1
  rm -f "$T/other-image"
  truncate -s "$3" "$T/other-image"
  "${@:4}" "$T/other-image" &>/dev/null && mount -t "$1" -o "loop,$2" "$T/other-image" "$other"
}

mount_other() { # KIND
  mkdir -p "$other"
  case $1 in
    ext4) mount_file ext4 rw 64M mkfs.ext4 -q -F ;;
    few-inodes) mount_file ext4 rw 16M mkfs.ext4 -q -F -N 64 ;;
    small-inodes) mount_file ext4 rw 16M mkfs.ext4 -q -F -I 128 -m 0 ;;
    xfs) mount_file xfs rw 512M mkfs.xfs -q -f ;;
    btrfs) mount_file btrfs rw 256M mkfs.btrfs -q -f ;;
    btrfs-noacl) mount_file btrfs noacl 256M mkfs.btrfs -q -f ;;
    tmpfs) mount -t tmpfs tmpfs "$other" ;;
    overlay)
      rm -rf "$T/ol"
      mkdir -p "$T/ol"/{lower,upper,work}
      mount -t overlay -o "lowerdir=$T/ol/lower,upperdir=$T/ol/upper,workdir=$T/ol/work" overlay "$other"
      ;;
  esac 2>/dev/null || {
    echo "no $1 here"
    return 1
  }
  chmod 0711 "$other"
  install -d -m 0711 -o 1500 -g 1500 "$tree"
}

# Whatever has a descriptor there keeps it busy.
unmount_other() {
  check "the backing filesystem is free again" eventually 5 umount "$other"
}

# ---- the basic set ---------------------------------------------------------------------------------

test_basic_set() { # NAME
  local d=$view/basic i
  common_directory basic
  gets "$1: create" ok 1000:1000 excl "$d/f"
  gets "$1: create of what is there" EEXIST 1000:1000 excl "$d/f"
  gets "$1: write" ok 1000:1000 write "$d/f" text
  gets "$1: append" ok 1000:1000 append "$d/f" -more
  gets "$1: read" 'text-moreok' 1000:1000 read "$d/f"
  gets "$1: truncate" ok 1000:1000 truncate "$d/f" 2
  gets "$1: read what is left" 'teok' 1001:1001 read "$d/f"
  gets "$1: others cannot write" EACCES 1001:1001 write "$d/f" x
  gets "$1: mkdir" ok 1000:1000 mkdir "$d/d"
  gets "$1: rename" ok 1000:1000 rename "$d/f" "$d/d/g"
  gets "$1: rename over another" ok 1000:1000 createwrite "$d/d/old" old
  gets "$1: which goes" ok 1000:1000 rename "$d/d/g" "$d/d/old"
  gets "$1: its contents are those of the new" 'teok' 1000:1000 read "$d/d/old"
  gets "$1: rename of a directory" ok 1000:1000 rename "$d/d" "$d/e"
  gets "$1: what was in it is still there" 'teok' 1000:1000 read "$d/e/old"
  gets "$1: link" ok 1000:1000 link "$d/e/old" "$d/l"
  equal "$1: two links" 2 "$(stat -c %h "$d/l")"
  gets "$1: symlink" ok 1000:1000 symlink "$d/s"
  equal "$1: where it leads" anywhere "$(readlink "$d/s")"
  gets "$1: fifo" ok 1000:1000 fifo "$d/p"
  gets "$1: tmpfile" ok 1000:1000 tmpfile "$d/t"
  gets "$1: setxattr" ok 1000:1000 setxattr "$d/l" user.name value
  equal "$1: getxattr, by the other link" value "$(getfattr --only-values -n user.name "$d/e/old" 2>/dev/null)"
  equal "$1: listxattr" user.name "$(getfattr -m - "$d/l" 2>/dev/null | sed '/^#/d;/^$/d')"
  gets "$1: removexattr" ok 1000:1000 removexattr "$d/l" user.name
  gets "$1: it is gone" ENODATA 1000:1000 getxattr "$d/l" user.name
  gets "$1: unlink" ok 1000:1000 unlink "$d/l"
  gets "$1: rmdir of a full directory" ENOTEMPTY 1000:1000 rmdir "$d/e"
  gets "$1: chmod" ok 1000:1000 chmod "$d/e/old" 0640
  gets "$1: chown" ok 0 chown "$d/e/old" 1001 1002
  for i in {1..300}; do echo "$i" >"$d/e/$i"; done
  equal "$1: list" 301 "$(find "$d/e" -type f | wc -l)"
  drop_caches
  equal "$1: every file has its contents" "$(seq 300 | sha256sum)" "$(cd "$d/e" && seq 300 | xargs cat | sha256sum)"
}

test_basic_set_after_mount() { # NAME
  local d=$view/basic
  equal "$1: after a mount, owner and mode are the same" '101001:101002 640' "$(stat -c '%u:%g %a' "$d/e/old")"
  equal "$1: all are there" 301 "$(find "$d/e" -type f | wc -l)"
  check "$1: all can be removed" rm -rf "$d"
  equal "$1: nothing is left" "" "$(ls -A "$tree")"
}

test_filesystem() { # KIND
  local owner
  echo "# $1"
  mount_other "$1" || return 0
  for owner in map virtual; do
    mount_other_view "owner=$owner"
    test_basic_set "$1, $owner"
    unmount_view
    mount_other_view "owner=$owner"
    test_basic_set_after_mount "$1, $owner"
    unmount_view
  done
  unmount_other
}

test_subvolumes() {
  echo "# btrfs: subvolumes in the tree"
  mount_other btrfs || return 0
  local i name
  btrfs -q subvolume create "$tree/sub"
  chmod 1777 "$tree/sub"
  chown 1500:1500 "$tree/sub"
  mount_other_view owner=map
  for i in {1..20}; do gets "a container's user makes file $i in a subvolume" ok 1000:1000 createwrite "$view/sub/$i" "sub-$i"; done >"$T/made"
  check "a container's user makes files in a subvolume" test "$(grep -c '^ok' "$T/made")" == 20
  btrfs -q subvolume snapshot "$tree/sub" "$tree/snap"
  equal "the files of a snapshot have the same inode numbers" "$(stat -c %i "$tree/sub/1")" "$(stat -c %i "$tree/snap/1")"
  for i in {1..20}; do in_container 1000:1000 attempt write "$view/snap/$i" "nap-$i"; done >/dev/null
  for name in "at once" "after the kernel has forgotten them"; do
    for i in {1..20}; do
      [[ $(<"$view/sub/$i") == "sub-$i" && $(<"$view/snap/$i") == "nap-$i" ]] || fail "$name file $i is read right in both"
    done
    ok "$name files are read in subvolume and snapshot"
    drop_caches
  done
  equal "moving from one to the other is EXDEV" EXDEV "$(in_container 1000:1000 attempt rename "$view/sub/1" "$view/snap/new")"
  equal "owners are right in both" '101000:101000 101000:101000' "$(stat -c %u:%g "$view/sub/1" "$view/snap/1" | xargs)"
  unmount_view
  unmount_other
}

test_without_acls() {
  echo "# a backing without ACLs: groups"
  mount_other btrfs-noacl || return 0
  local owner
  for owner in map virtual; do
    mount_other_view "owner=$owner"
    common_directory d
    in_container 0 sh -c "cd $view/d && echo text >f && chown 1000:2000 f && chmod 0660 f &&
      mkdir d && chown 1000:2000 d && chmod 0770 d"
    gets "$owner: the group reads" $'text\nok' 1001:2000 read "$view/d/f"
    gets "$owner: the group writes" ok 1001:2000 append "$view/d/f" more
    gets "$owner: the group makes files" ok 1001:2000 create "$view/d/d/f"
    equal "$owner: so does who has it as a supplementary group" ok \
      "$(in_container 0 setpriv --reuid 1002 --regid 1002 --groups 2000 -- attempt append "$view/d/f" more)"
    gets "$owner: others do not read" EACCES 1001:1001 read "$view/d/f"
    gets "$owner: nor write" EACCES 1001:1001 append "$view/d/f" x
    gets "$owner: nor make files" EACCES 1001:1001 create "$view/d/d/g"
    gets "$owner: the group may not chmod" EPERM 1001:2000 chmod "$view/d/f" 0666
    rm -rf "$view/d"
    unmount_view
  done
  unmount_other
}

# ---- filesystems in the tree -----------------------------------------------------------------------

# More files than the daemon may have descriptors (here; it takes the limit that it is started with).
readonly many=6000 descriptor_limit=4096

make_many() { # DIRECTORY
  python3 -c '
import os, sys
for i in range(int(sys.argv[2])):
    with open(f"{sys.argv[1]}/{i}", "w") as file:
        file.write(f"{sys.argv[1]} {i}")
' "$1" "$many"
}
many_are_right() { # DIRECTORY DIRECTORY-ON-DISK
  python3 -c '
import os, sys
names = os.listdir(sys.argv[1])
assert len(set(names)) == int(sys.argv[3]), len(names)
for name in names:
    with open(f"{sys.argv[1]}/{name}") as file:
        text = file.read()
    assert text == f"{sys.argv[2]} {name}", (name, text)
' "$1" "$2" "$many"
}
holds_less_than() { # DESCRIPTORS PID
  (($(find "/proc/$2/fd" -mindepth 1 | wc -l) < $1))
}

test_mounts_below() {
  echo "# other filesystems mounted in the tree"
  mount_other ext4 || return 0
  local name daemon at_start
  install -d "$tree/memory" "$tree/loop"
  mount -t tmpfs tmpfs "$tree/memory"
  truncate -s 256M "$T/below-image"
  mkfs.ext4 -q -F -N 30000 "$T/below-image"
  mount -o loop "$T/below-image" "$tree/loop"
  rmdir "$tree/loop/lost+found"
  for name in memory loop; do
    make_many "$tree/$name"
    chown 1500:1500 "$tree/$name"
    chmod 1777 "$tree/$name"
  done
  # The kernel asks by inode, not again by name, for what it knows already.
  (ulimit -n "$descriptor_limit" && mount_other_view owner=map,cache=ttl:600)
  daemon=$(daemons)
  at_start=$(find "/proc/$daemon/fd" -mindepth 1 | wc -l)
  for name in memory loop; do
    check "$name: $many files are listed and read" many_are_right "$view/$name" "$tree/$name"
    check "$name: the daemon holds less than half of its descriptors" holds_less_than $((descriptor_limit / 2)) "$daemon"
    check "$name: they are read again right" many_are_right "$view/$name" "$tree/$name"
    drop_caches
    check "$name: and again after the kernel has forgotten them" many_are_right "$view/$name" "$tree/$name"
    gets "$name: a new file can be made" ok 1000:1000 createwrite "$view/$name/new" text
    equal "$name: it has the right owner" '101000 200999' "$(stat -c %u "$view/$name/new" "$tree/$name/new" | xargs)"
    check "$name: it can be removed" rm "$view/$name/new"
  done
  in_container 1000:1000 attempt create "$view/memory/mine" >/dev/null
  gets "moving from one to the other is EXDEV" EXDEV 1000:1000 rename "$view/memory/mine" "$view/loop/mine"
  drop_caches
  check "in the end the daemon holds a few descriptors" eventually 5 holds_less_than $((at_start + 50)) "$daemon"
  unmount_view
  check "what is mounted below is free again" eventually 5 umount "$tree/memory" "$tree/loop"
  rm -f "$T/below-image"
  unmount_other
}

# ---- full ------------------------------------------------------------------------------------------

# Fills $view/d/fill to the last block.
fill_up() { # UID
  in_container "$1" dd if=/dev/zero of="$view/d/fill" bs=1M 2>"$T/said"
  in_container "$1" dd if=/dev/zero of="$view/d/fill" bs=1k oflag=append conv=notrunc 2>/dev/null
  grep -q 'No space left' "$T/said"
}

# In blocks. What only the host's root may use is more than the reserve of the superblock: ext4 keeps
# some for itself. So nobody may take away from what the first one who filled it up has left.
reserved_blocks() { dumpe2fs -h "$T/other-image" 2>/dev/null | sed -n 's/^Reserved block count: *//p'; }
free_blocks() { sync -f "$other" && stat -f -c %f "$other"; }
leaves_reserve() { # SENTENCE: a few blocks may be in flight
  local free
  free=$(free_blocks)
  if ((free >= left - 16)); then ok "$1"; else fail "$1" "free before: $left, now: $free"; fi
}

test_reserve() { # passthrough=…
  echo "# ext4's reserve ($1)"
  mount_other ext4 || return 0
  local left
  mount_other_view "$1"
  common_directory d
  in_container 1000:1000 dd if=/dev/urandom of="$view/d/source" bs=1M count=4 status=none
  # shellcheck disable=SC2016
  in_container 1000:1000 sh -c 'cd "$1" && seq -f x%g 200 | xargs touch' - "$view/d"
  check "filling it up ends in ENOSPC" fill_up 1000
  left=$(free_blocks)
  check "and leaves the reserve" test "$left" -ge "$(reserved_blocks)"
  in_container 0 dd if=/dev/zero of="$view/d/full-0" bs=64k 2>/dev/null
  leaves_reserve "container root's writes leave it"
  dd if=/dev/zero of="$view/d/full-host" bs=64k 2>/dev/null
  leaves_reserve "those of the host's root on the view"
  in_container 1000 cp --reflink=never "$view/d/source" "$view/d/copied" 2>/dev/null
  leaves_reserve "copies"
  in_container 1000 fallocate -l 2M "$view/d/allocated" 2>/dev/null
  leaves_reserve "fallocate(2)"
  # shellcheck disable=SC2016
  in_container 1000:1000 sh -c 'cd "$1" && seq 300 | xargs mkdir 2>/dev/null' - "$view/d"
  leaves_reserve "directories"
  # shellcheck disable=SC2016
  in_container 1000:1000 sh -c 'cd "$1" && ln -s "$(printf %0900d 1)" symlink 2>/dev/null
    for i in $(seq 100); do ln x1 "$(printf "%0200d" "$i")"; done 2>/dev/null' - "$view/d"
  leaves_reserve "links"
  # shellcheck disable=SC2016
  in_container 1000:1000 sh -c 'cd "$1" && for i in $(seq 200); do
    setfattr -n user.large -v "$(printf %0900d "$i")" "x$i"; done 2>/dev/null' - "$view/d"
  leaves_reserve "xattrs"
  rm -rf "$view/d"
  unmount_view
  unmount_other
}

test_full() { # passthrough=…
  echo "# a full disk ($1)"
  mount_other ext4 || return 0
  local before
  mount_other_view "$1"
  common_directory d
  mkdir "$view/fresh"
  gets "a file made before" ok 1000:1000 createwrite "$view/d/before" kept
  fill_up 1000:1000
  before=$(ls -A "$tree/d" "$tree/fresh")
  gets "mkdir is ENOSPC" ENOSPC 1000:1000 mkdir "$view/d/dir"
  gets "in a fresh volume, too" ENOSPC 1000:1000 mkdir "$view/fresh/dir"
  equal "by the host's root, too" ENOSPC "$(attempt mkdir "$view/d/fresh")"
  equal "nothing half made is left" "$before" "$(ls -A "$tree/d" "$tree/fresh")"
  equal "the fresh volume is unclaimed" '100000:100000 777' "$(unshare --pid --fork stat -c '%u:%g %a' "$view/fresh")"
  gets "a file that is there is read" keptok 1000:1000 read "$view/d/before"
  gets "writing beyond it is ENOSPC" ENOSPC 1000:1000 append "$view/d/before" "$(printf %08000d 0)"
  check "the view lists" ls "$view/d"
  gets "removing works" ok 1000:1000 unlink "$view/d/fill"
  check "and then mkdir does" eventually 5 in_container 1000:1000 attempt mkdir "$view/d/dir"
  gets "and writing" ok 1000:1000 createwrite "$view/d/new" text
  unmount_view
  unmount_other
}

test_no_inodes() {
  echo "# no inodes left"
  mount_other few-inodes || return 0
  local call owner
  for owner in map virtual; do
    mount_other_view "owner=$owner"
    common_directory d
    mkdir "$view/fresh"
    # shellcheck disable=SC2016
    in_container 1000:1000 sh -c 'i=0; while : >"$1/$i"; do i=$((i + 1)); done' - "$view/d" 2>/dev/null
    for call in create excl mkdir fifo symlink regular tmpfile; do
      gets "$owner: $call is ENOSPC" ENOSPC 1000:1000 "$call" "$view/fresh/new"
    done
    equal "$owner: nothing is left in the fresh volume" "" "$(ls -A "$tree/fresh")"
    equal "$owner: it is unclaimed" '100000:100000 777' "$(unshare --pid --fork stat -c '%u:%g %a' "$view/fresh")"
    gets "$owner: removing works" ok 1000:1000 unlink "$view/d/0"
    check "$owner: the volume can be claimed then" eventually 5 in_container 1000:1000 attempt create "$view/fresh/new"
    equal "$owner: and is" '101000:101000 755' "$(unshare --pid --fork stat -c '%u:%g %a' "$view/fresh")"
    rm -rf "$view/d" "$view/fresh"
    unmount_view
  done
  unmount_other
}

# Inodes of 128 bytes have no room for xattrs: each new value takes a block.
test_no_room_for_owners() {
  echo "# owner=virtual: no room for the owner of a new file"
  mount_other small-inodes || return 0
  local call before
  mount_other_view owner=virtual
  common_directory d
  fill_up 0
  before=$(ls -A "$tree/d")
  for call in create excl mkdir fifo symlink regular tmpfile; do
    gets "$call is ENOSPC" ENOSPC 1234:1234 "$call" "$view/d/$call"
  done
  equal "nothing half made is left" "$before" "$(ls -A "$tree/d")"
  gets "the view goes on" ok 0 unlink "$view/d/fill"
  check "and makes files" eventually 5 in_container 1234:1234 attempt create "$view/d/new"
  equal "of the right owner" 101234:101234 "$(stat -c %u:%g "$view/d/new")"
  unmount_view
  unmount_other
}

# ---- gone ------------------------------------------------------------------------------------------

is_gone() { # SENTENCE CALL ARGUMENTS...: an errno of something that is not there, and soon
  local outcome
  outcome=$(timeout --kill-after 1 5 attempt "${@:2}")
  if [[ $outcome =~ ^(ENOENT|ESTALE)$ ]]; then ok "$1 ($outcome)"; else fail "$1" "$outcome"; fi
}

test_removed_tree() { # KIND
  echo "# the tenant's directory is removed under the view ($1)"
  mount_other "$1" || return 0
  local daemon held text
  mount_other_view owner=map
  daemon=$(daemons)
  mkdir "$view/d" "$view/d/fresh"
  echo text >"$view/d/f"
  exec {held}<"$view/d/f"
  rm -rf "$tree"
  drop_caches
  sleep 1.1
  is_gone "reading a file" read "$view/d/f"
  is_gone "making a file" create "$view/d/new"
  is_gone "making a directory at the root" mkdir "$view/new"
  is_gone "claiming a volume" create "$view/d/fresh/new"
  is_gone "renaming" rename "$view/d/f" "$view/d/g"
  is_gone "removing" unlink "$view/d/f"
  check "listing does not hang" timeout --kill-after 1 5 sh -c "ls -la $view $view/d; true"
  text=$(timeout --kill-after 1 5 cat <&"$held")
  equal "a file that is open can still be read" text "$text"
  exec {held}<&-
  equal "the same daemon serves" "$daemon" "$(daemons)"
  unmount_view
  install -d -m 0711 -o 1500 -g 1500 "$tree"
  mount_other_view owner=map
  check "a new directory can be mounted and written to" mkdir "$view/d"
  unmount_view
  unmount_other
}

# ---- names -----------------------------------------------------------------------------------------

names_in() { find "$1" -mindepth 1 -printf '%P\0' | LC_ALL=C sort -z | sha256sum; }

test_names() {
  echo "# names"
  mount_other ext4 || return 0
  local name
  local names=($'new\nline' "$(printf '%0255d' 0)" $'\xff\xfe not utf-8 \x80' -dash --help -- ' ' $'tab\tand \x01' '*' '~' '...'
    "quote's \"and\" \\ \$(id)" '%s%n' ':' $'\xf0\x9f\x90\x8b' $'last\n')
  mount_other_view owner=map
  common_directory d
  chmod 0777 "$view/d"
  for name in "${names[@]}"; do in_container 1000:1000 attempt createwrite "$view/d/$name" "$name"; done >"$T/outcomes"
  equal "files of ${#names[@]} hostile names can be made" "${#names[@]}" "$(grep -cx ok "$T/outcomes")"
  equal "they are listed as on disk" "$(names_in "$tree/d")" "$(names_in "$view/d")"
  equal "all of them" "${#names[@]}" "$(find "$view/d" -mindepth 1 -printf x | wc -c)"
  drop_caches
  for name in "${names[@]}"; do cmp -s <(printf %s "$name") "$view/d/$name" && echo ok; done >"$T/outcomes"
  equal "each is read right" "${#names[@]}" "$(grep -cx ok "$T/outcomes")"
  for name in "${names[@]}"; do
    in_container 1000:1000 attempt rename "$view/d/$name" "$view/d/passing"
    in_container 1000:1000 attempt rename "$view/d/passing" "$view/d/$name"
    in_container 1000:1000 attempt unlink "$view/d/$name"
    in_container 1000:1000 attempt mkdir "$view/d/$name"
    in_container 1000:1000 attempt setxattr "$view/d/$name" user.name value
    in_container 1000:1000 attempt symlink "$view/d/$name/$name"
    in_container 1000:1000 attempt unlink "$view/d/$name/$name"
    in_container 1000:1000 attempt rmdir "$view/d/$name"
  done >"$T/outcomes"
  equal "renamed, removed, made directories" "$((${#names[@]} * 8))" "$(grep -cx ok "$T/outcomes")"
  equal "none is left" "" "$(ls -A "$tree/d")"
  gets "256 bytes are ENAMETOOLONG" ENAMETOOLONG 1000:1000 create "$view/d/$(printf %0256d 0)"
  unmount_view

  for name in -dash $'\xff' "quote's"; do
    install -d -m 0755 -o 1500 -g 1500 "$tree/$name"
    check "a view of a directory called $(printf %q "$name")" mount_other_view_of "toto:/$name"
    equal "it can be written to" ok "$(in_container 0 attempt create "$view/f")"
    unmount_view
    check "on disk it is there" test -e "$tree/$name/f"
  done
  install -d -m 0755 -o 1500 -g 1500 "$tree/new"$'\n'line
  expect_fail 32 'control character' mount_other_view_of $'toto:/new\nline'
  unmount_other
}
mount_other_view_of() { mount_view "$1" "$view" "userns=@dockremap,containerdata=$other"; } # SPEC

for kind in xfs btrfs tmpfs overlay; do test_filesystem "$kind"; done
test_subvolumes
test_without_acls
test_mounts_below
for passthrough in auto off; do
  test_reserve "passthrough=$passthrough"
  test_full "passthrough=$passthrough"
done
test_no_inodes
test_no_room_for_owners
test_removed_tree ext4
test_removed_tree tmpfs
test_names
