#!/bin/bash
# Who owns what: on the view, on disk and in a container; for every kind of file, every kind of
# caller, every way to say a map, and both owner policies. And that no container gains anything by it.
# shellcheck source=../support/view_env.sh
source "$(dirname "$0")/../support/view_env.sh"
use_test_programs

tree=$T/containerdata/user-toto
view=$T/view
chmod 0711 "$tree"

shown() { stat -c '%u:%g' "$view/$1"; }
shown_mode() { stat -c '%a' "$view/$1"; }
on_disk() { stat -c '%u:%g' "$tree/$1"; }
disk_mode() { stat -c '%a' "$tree/$1"; }
inside() { in_container 0 stat -c '%u:%g' "$view/$1"; }

# As UID[:GID] of a container, and as a process of the host: `attempt` has this outcome.
gets() { # SENTENCE OUTCOME UID[:GID] CALL ARGUMENTS...
  equal "$1" "$2" "$(in_container "$3" attempt "${@:4}")"
}
host_gets() { # SENTENCE OUTCOME UID CALL ARGUMENTS...
  equal "$1" "$2" "$(as_uid "$3" "$3" attempt "${@:4}")"
}
# With supplementary groups.
in_groups() { # UID GID GROUPS COMMAND...
  in_container 0 setpriv --reuid "$1" --regid "$2" --groups "$3" -- "${@:4}"
}
common_directory() { # NAME: everybody may write there, nobody's claim
  in_container 0 mkdir -m 1777 "$view/$1"
}
empty_tree() { find "$tree" -mindepth 1 -delete; }

test_table() { # POLICY
  echo "# owner=$1: caller x kind of file -> owner on the view, on disk, in a container"
  common_directory table
  local caller host disk kind name wrong
  while read -r caller host disk; do
    wrong=
    for kind in create excl regular mkdir symlink fifo socket tmpfile; do
      name=table/$kind-$caller
      [[ $(in_container "$caller" attempt "$kind" "$view/$name") == ok ]] || wrong+=" $kind refused;"
      [[ $(shown "$name") == "$host" ]] || wrong+=" $kind shown as $(shown "$name");"
      [[ $(on_disk "$name") == "$disk" ]] || wrong+=" $kind on disk $(on_disk "$name");"
      [[ $(inside "$name") == "$caller" ]] || wrong+=" $kind inside $(inside "$name");"
    done
    name=table/linked-$caller
    [[ $(in_container "$caller" attempt link "$view/table/create-$caller" "$view/$name") == ok ]] || wrong+=" link refused;"
    [[ $(shown "$name") == "$host" && $(on_disk "$name") == "$disk" ]] || wrong+=" link $(shown "$name");"
    equal "container id $caller is $host on the view and $disk on disk, for all kinds" "" "$wrong"
  done
}

test_map() {
  test_table map <<'END'
0:0 100000:100000 1500:1500
1:1 100001:100001 200000:200000
1000:1000 101000:101000 200999:200999
1000:2000 101000:102000 200999:201999
1000:0 101000:100000 200999:1500
0:1000 100000:101000 1500:200999
65535:65535 165535:165535 265534:265534
END
}

test_hosts_processes() { # STORED-OWNER-OF-CONTAINER-ROOT
  echo "# processes of the host"
  common_directory host
  check "the host's root, outside the map, works in a view" attempt create "$view/host/root"
  equal "it acts as container root" "100000:100000 $1" "$(shown host/root) $(on_disk host/root)"
  local id call
  for id in 1500 5000 65534 165536 99999; do
    for call in create mkdir symlink fifo tmpfile; do
      host_gets "$call by host id $id, outside the map, is EOVERFLOW" EOVERFLOW "$id" "$call" "$view/host/$id-$call"
    done
  done
  check "nothing of it is left on disk" test -z "$(find "$tree/host" -mindepth 1 ! -name root)"
  equal "a mapped uid with an unmapped gid is EOVERFLOW" EOVERFLOW "$(as_uid 101000 5000 attempt create "$view/host/g")"
  equal "an unmapped uid with a mapped gid is EOVERFLOW" EOVERFLOW "$(as_uid 5000 101000 attempt create "$view/host/u")"
  host_gets "an unmapped host id may read what all may" ok 5000 read "$view/host/root"
  equal "the host's root's chown to an unmapped id is EOVERFLOW" EOVERFLOW "$(attempt chown "$view/host/root" 5000 101000)"
  equal "the host's root's chown to an unmapped gid is EOVERFLOW" EOVERFLOW "$(attempt chown "$view/host/root" 101000 5000)"
  equal "and changes nothing" "100000:100000 $1" "$(shown host/root) $(on_disk host/root)"
}

test_foreign_files() {
  echo "# what the host's root put into the tree"
  common_directory foreign
  (umask 0 && echo text >"$tree/foreign/f" && mkdir "$tree/foreign/d")
  in_container 0 sh -c ': >"$1"' - "$view/foreign/own"
  equal "it is shown as the overflow id" 65534:65534 "$(shown foreign/f)"
  equal "in a container, too" 65534:65534 "$(inside foreign/f)"
  gets "a container's user may not write it, whatever its mode" EACCES 1000 write "$view/foreign/f" x
  gets "container root neither" EACCES 0 write "$view/foreign/f" x
  gets "container root may not chown it" EPERM 0 chown "$view/foreign/f" 0 0
  gets "nor chmod it" EOVERFLOW 0 chmod "$view/foreign/f" 0777
  gets "nor remove it" EOVERFLOW 0 unlink "$view/foreign/f"
  gets "nor move it" EOVERFLOW 0 rename "$view/foreign/f" "$view/foreign/g"
  gets "nor replace it" EOVERFLOW 0 rename "$view/foreign/own" "$view/foreign/f"
  gets "nor remove such a directory" EOVERFLOW 0 rmdir "$view/foreign/d"
  equal "it is as it was" 'text 0:0 666' "$(cat "$tree/foreign/f") $(stat -c '%u:%g %a' "$tree/foreign/f")"
  install -o 65534 -g 65534 -m 0600 /dev/null "$tree/foreign/nobody"
  gets "the container's nobody has no share in a file of the host's nobody" EACCES 65534:65534 read "$view/foreign/nobody"
}

test_modes() { # STORED-OWNER-OF-1000:2000
  echo "# modes, umask, setgid directories"
  common_directory modes
  local umask
  for umask in 000 022 027 077; do
    in_container 1000 sh -c 'umask $1 && cd "$2" && : >f$1 && mkdir d$1 && mkfifo p$1' - "$umask" "$view/modes"
    equal "umask $umask" "$(printf '%o %o %o' $((0666 & ~0$umask)) $((0777 & ~0$umask)) $((0666 & ~0$umask)))" \
      "$(shown_mode "modes/f$umask") $(shown_mode "modes/d$umask") $(shown_mode "modes/p$umask")"
  done
  in_container 0 mkdir "$view/modes/setgid"
  in_container 0 chown 0:2000 "$view/modes/setgid"
  in_container 0 chmod 2777 "$view/modes/setgid"
  in_container 1000:1000 sh -c 'cd "$1" && : >f && mkdir d && : >d/g && ln -s x l && mkfifo p' - "$view/modes/setgid"
  equal "a file in a setgid directory has the directory's group" 101000:102000 "$(shown modes/setgid/f)"
  equal "on disk, too" "$1" "$(on_disk modes/setgid/f)"
  equal "a symlink and a pipe, too" '101000:102000 101000:102000' "$(shown modes/setgid/l) $(shown modes/setgid/p)"
  equal "a directory, too, and it is setgid itself" '101000:102000 2755' "$(shown modes/setgid/d) $(shown_mode modes/setgid/d)"
  equal "and so down" 101000:102000 "$(shown modes/setgid/d/g)"
  equal "unnamed files, too" ok "$(in_container 1000:1000 attempt tmpfile "$view/modes/setgid/t")"
  equal "with the directory's group" 101000:102000 "$(shown modes/setgid/t)"
}

test_chown() { # STORED-OWNER-OF-1000:2000
  echo "# chown, chgrp, chmod"
  common_directory chown
  in_container 1000:1000 sh -c ': >"$1/f"' - "$view/chown"
  gets "container root gives a file away" ok 0 chown "$view/chown/f" 1000 2000
  equal "to whom it said" "101000:102000 $1" "$(shown chown/f) $(on_disk chown/f)"
  gets "the owner may not give it away" EPERM 1000:2000 chown "$view/chown/f" 1001 2000
  gets "nor to a group that is not theirs" EPERM 1000:2000 chgrp "$view/chown/f" 3000
  equal "but to a group of theirs" ok "$(in_groups 1000 2000 2000,3000 attempt chgrp "$view/chown/f" 3000)"
  equal "which then has it" 101000:103000 "$(shown chown/f)"
  gets "others may not chown it" EPERM 1001 chown "$view/chown/f" 1001 1001
  gets "others may not chmod it" EPERM 1001 chmod "$view/chown/f" 0777
  gets "the owner may chmod it" ok 1000:2000 chmod "$view/chown/f" 0640
  equal "to what they said" 640 "$(shown_mode chown/f)"
  gets "a user of the group reads it" ok 1001:3000 read "$view/chown/f"
  gets "but may not write it" EACCES 1001:3000 write "$view/chown/f" x
  gets "others may not read it" EACCES 1001:1001 read "$view/chown/f"
  in_container 1000:1000 ln -s target "$view/chown/link"
  gets "a symlink can be given away" ok 0 chown "$view/chown/link" 1001 1001
  equal "and then belongs to them" 101001:101001 "$(shown chown/link)"
  gets "in a sticky directory nobody removes another's file" EPERM 1002 unlink "$view/chown/f"
}

test_setid() {
  echo "# setuid and setgid"
  common_directory setid
  in_container 1000:1000 sh -c 'cd "$1" && echo text >f && chmod 4777 f && cp f g && chmod 4777 g &&
    cp f i && chmod 6777 i && cp f j && chmod 4755 j' - "$view/setid"
  equal "the owner can set it" 4777 "$(shown_mode setid/f)"
  gets "another user writes" ok 1001 write "$view/setid/f" X
  equal "the next stat shows setuid gone" 777 "$(shown_mode setid/f)"
  equal "the write is there" Xext "$(cat "$tree/setid/f")"
  gets "another user truncates" ok 1001 truncate "$view/setid/g" 1
  equal "the next stat shows setuid gone, too" 777 "$(shown_mode setid/g)"
  gets "another user appends to a file with both bits" ok 1001 append "$view/setid/i" x
  equal "both are gone" 777 "$(shown_mode setid/i)"
  gets "the owner writes" ok 1000:1000 write "$view/setid/j" x
  equal "it is gone as well" 755 "$(shown_mode setid/j)"
  equal "on disk none of it is left" "" "$(find "$tree/setid" -type f -perm /6000)"
  in_container 1000:1000 sh -c ': >"$1" && chmod 6755 "$1"' - "$view/setid/c"
  gets "a chown" ok 0 chown "$view/setid/c" 1001 1001
  equal "takes both away" 755 "$(shown_mode setid/c)"

  in_container 0 sh -c 'cp "$(command -v id)" "$1" && chmod 4755 "$1"' - "$view/setid/id"
  equal "setuid is not honoured: views are nosuid" 1000 "$(in_container 1000 "$view/setid/id" -u)"
  equal "for processes of the host neither" 101000 "$(as_uid 101000 101000 "$view/setid/id" -u)"
}

test_setid_and_o_trunc() {
  common_directory trunc
  in_container 1000:1000 sh -c 'echo text >"$1" && chmod 4777 "$1"' - "$view/trunc/f"
  in_container 1001 sh -c ': >"$1"' - "$view/trunc/f"
  equal "after O_TRUNC by another user setuid is gone" 777 "$(shown_mode trunc/f)"
  equal "on disk, too" 0 "$(find "$tree/trunc" -type f -perm /6000 | wc -l)"
}

test_devices() {
  echo "# devices"
  common_directory devices
  gets "container root may not make a device" EPERM 0 device "$view/devices/null"
  gets "nor a block device" EPERM 0 blockdevice "$view/devices/loop"
  gets "nor anybody else" EPERM 1000 device "$view/devices/null"
  equal "nothing is left of it" "" "$(ls -A "$tree/devices")"
  mknod -m 0666 "$tree/devices/there" c 1 3
  chown 1500:1500 "$tree/devices/there"
  gets "one that is there cannot be opened: views are nodev" EACCES 0 read "$view/devices/there"
  equal "by the host's root neither" EACCES "$(attempt read "$view/devices/there")"
}

test_acls_and_setgid() {
  common_directory acl-setgid
  in_container 0 sh -c 'cd "$1" && mkdir d && : >f && : >g && chown 1000:1000 d f && chown 1000:2000 g &&
    chmod 2775 d f g' - "$view/acl-setgid"
  in_container 1000:1000 sh -c 'cd "$1" && setfacl -m u:1001:rwx d f g' - "$view/acl-setgid"
  equal "who is in a file's group keeps its setgid bit when setting an ACL" 2775 "$(shown_mode acl-setgid/f)"
  equal "a directory's, too" 2775 "$(shown_mode acl-setgid/d)"
  equal "who is not in the group loses it" 775 "$(shown_mode acl-setgid/g)"
}

named_entries() { grep -E '^(user|group):[0-9]+:' | tr -s '\t\n' ' ' | sed 's/ $//'; }

test_acls() {
  echo "# ACLs (owner=map)"
  common_directory acl
  in_container 1000:1000 sh -c 'cd "$1" && echo text >f && chmod 600 f && mkdir d' - "$view/acl"
  check "a container's user sets one" in_container 1000:1000 setfacl -m u:1001:r,g:2000:rw "$view/acl/f"
  equal "on disk it names stored ids" 'user:201000:r-- group:201999:rw-' \
    "$(getfacl -cn "$tree/acl/f" 2>/dev/null | named_entries)"
  equal "on the view it names host ids" 'user:101001:r-- group:102000:rw-' \
    "$(getfacl -cn "$view/acl/f" 2>/dev/null | named_entries)"
  equal "in a container it names what was set" 'user:1001:r-- group:2000:rw-' \
    "$(in_container 0 getfacl -cn "$view/acl/f" 2>/dev/null | named_entries)"
  gets "the named user reads" $'text\nok' 1001:1001 read "$view/acl/f"
  gets "and may not write" EACCES 1001:1001 write "$view/acl/f" x
  gets "the named group writes" ok 1002:2000 write "$view/acl/f" Text
  gets "others may not read" EACCES 1003:1003 read "$view/acl/f"
  setfacl -m u:200002:r "$tree/acl/f"
  sleep 1.1 # the ttl
  equal "one that the host's user set on disk is seen in a container" 'user:3:r--' \
    "$(in_container 0 getfacl -cn "$view/acl/f" 2>/dev/null | grep -E '^user:3:')"
  setfacl -m u:77:r "$tree/acl/f"
  check "one with an id that no container has can still be read" in_container 0 getfacl -cn "$view/acl/f"
  check "a named entry outside the map is refused" bash -c '! setfacl -m u:5000:r "$1" 2>/dev/null' - "$view/acl/d"

  check "a default ACL" in_container 1000:1000 setfacl -d -m u::rwx,g::rwx,o::rx,u:1001:rwx "$view/acl/d"
  equal "names stored ids on disk" 'default:user:201000:rwx' "$(getfacl -cn "$tree/acl/d" 2>/dev/null | grep 'default:user:2')"
  in_container 1000:1000 sh -c 'umask 077 && cd "$1" && : >f && mkdir d && mkfifo p' - "$view/acl/d"
  equal "new files inherit it, and the umask does not count" '664 664' "$(shown_mode acl/d/f) $(shown_mode acl/d/p)"
  equal "new directories, too" '775 default:user:101001:rwx' \
    "$(shown_mode acl/d/d) $(getfacl -cn "$view/acl/d/d" 2>/dev/null | grep default:user:1)"
  gets "who is named there writes to a new file" ok 1001:1001 write "$view/acl/d/f" x
  equal "the new file's entry on disk" 'user:201000:rwx #effective:rw-' "$(getfacl -cn "$tree/acl/d/f" 2>/dev/null |
    grep user:2 | tr -s '\t' ' ')"
  check "ACLs can be removed" in_container 1000:1000 setfacl -b "$view/acl/d"
  equal "on disk, too" "" "$(getfacl -cns "$tree/acl/d" 2>/dev/null)"
}

capability_of() { getfattr -n security.capability -e hex "$1" 2>/dev/null | sed -n 's/^security.capability=0x//p'; }
little_endian() { printf '%08x' "$1" | sed -E 's/(..)(..)(..)(..)/\4\3\2\1/'; }

test_capabilities() {
  echo "# file capabilities"
  common_directory caps
  in_container 0 sh -c ': >"$1"' - "$view/caps/f"
  check "container root sets one" in_container 0 setcap cap_net_raw+ep "$view/caps/f"
  local on_disk
  on_disk=$(capability_of "$tree/caps/f")
  equal "on disk it is version 3" 01000003 "${on_disk:0:8}"
  equal "with the stored id of container root" "$(little_endian 1500)" "${on_disk: -8}"
  equal "in the container it is what was set" "$view/caps/f cap_net_raw=ep" "$(in_container 0 getcap "$view/caps/f")"
  equal "on the view its root is the host id of container root" "$(little_endian 100000)" \
    "$(capability_of "$view/caps/f" | tail -c 9)"
  check "the host's root sets one on the view" setcap cap_net_raw+ep "$view/caps/f"
  equal "it counts for container root only" "01000003 $(little_endian 1500)" \
    "$(capability_of "$tree/caps/f" | sed -E 's/^(.{8}).*(.{8})$/\1 \2/')"
  gets "a write" ok 0 write "$view/caps/f" x
  equal "takes it away" "" "$(capability_of "$tree/caps/f")"
  setcap cap_net_raw+ep "$tree/caps/f"
  gets "one that counts on the host is not seen on the view" ENODATA 0 getxattr "$view/caps/f" security.capability
}

test_one_step() {
  echo "# files have their owner from the first moment on"
  common_directory steps
  check "2,500 files, directories, links and pipes are never seen with another owner" \
    watch_owner 2500 "$view/steps" "$tree/steps" 101000 102000 200999 201999
}

echo "# ==== owner=map"
mount_view
test_map
test_hosts_processes 1500:1500
test_foreign_files
test_modes 200999:201999
test_chown 200999:201999
test_setid
test_setid_and_o_trunc
test_devices
test_acls
test_acls_and_setgid
test_capabilities
test_one_step
unmount_view
empty_tree

echo "# ==== owner=map, passthrough=off"
mount_view toto "$view" userns=@dockremap,passthrough=off
test_setid
unmount_view
empty_tree

# The tenant's id on disk for all, nothing privileged there, and the xattr is ours alone.
test_virtual() {
  echo "# ==== owner=virtual"
  mount_view toto "$view" userns=@dockremap,owner=virtual
  test_table virtual <<'END'
0:0 100000:100000 1500:1500
1000:2000 101000:102000 1500:1500
65535:65535 165535:165535 1500:1500
END
  test_hosts_processes 1500:1500
  test_modes 1500:1500
  test_chown 1500:1500
  test_setid
  test_setid_and_o_trunc
  test_devices
  test_foreign_files

  echo "# owner=virtual: on disk"
  common_directory virtual
  in_container 1000:2000 sh -c 'cd "$1" && echo text >f && chmod 6511 f && mkdir -m 0 d && ln -s f l' - "$view/virtual"
  equal "everything belongs to the tenant" "" "$(find "$tree/virtual" ! -user 1500 -o ! -group 1500)"
  equal "setuid and setgid are not on disk" "" "$(find "$tree/virtual" -perm /6000)"
  equal "but on the view" 6511 "$(shown_mode virtual/f)"
  equal "the owner is in the xattr" '1000:2000:6511:file' \
    "$(getfattr --only-values -n user.containers.override_stat "$tree/virtual/f" 2>/dev/null)"
  equal "the tenant can use what is theirs on disk" text "$(as_uid 1500 1500 cat "$tree/virtual/f")"
  equal "a directory of mode 0 is one on the view" 0 "$(shown_mode virtual/d)"
  check "and the tenant's on disk" as_uid 1500 1500 ls "$tree/virtual/d"
  equal "the xattr is not listed on the view" "" "$(getfattr -d -m - "$view/virtual/f" 2>/dev/null | grep override)"
  gets "nor read" ENODATA 0 getxattr "$view/virtual/f" user.containers.override_stat
  gets "nor set" EPERM 0 setxattr "$view/virtual/f" user.containers.override_stat 0:0:0777
  gets "nor removed by container root" ENODATA 0 removexattr "$view/virtual/f" user.containers.override_stat
  in_container 1000:2000 sh -c ': >"$1"' - "$view/virtual/g"
  gets "others can be set" ok 1000:2000 setxattr "$view/virtual/g" user.mine value
  equal "and are there on disk" value "$(getfattr --only-values -n user.mine "$tree/virtual/g" 2>/dev/null)"
  install -o 1500 -g 1500 -m 0640 /dev/null "$tree/virtual/made"
  equal "a file that the tenant made on disk is container root's, with its mode" '100000:100000 640' \
    "$(shown virtual/made) $(shown_mode virtual/made)"
  unmount_view
  mount_view toto "$view" userns=@dockremap,owner=virtual
  equal "owners and modes are still there after a mount" '101000:102000 6511' "$(shown virtual/f) $(shown_mode virtual/f)"
  unmount_view
  empty_tree
}
test_virtual

echo "# ==== how the map is said"
appears_as() { # SENTENCE OPTIONS HOST-UID STORED-UID
  mount_view toto "$view" "$2"
  common_directory_of_host
  as_uid "$3" "$3" attempt create "$view/map/$3" >"$T/outcome"
  equal "$1" "ok $3:$3 $4:$4" "$(cat "$T/outcome") $(shown "map/$3") $(on_disk "map/$3")"
  unmount_view
  empty_tree
}
outside() { # SENTENCE OPTIONS HOST-UID
  mount_view toto "$view" "$2"
  common_directory_of_host
  host_gets "$1" EOVERFLOW "$3" create "$view/map/f"
  unmount_view
  empty_tree
}
common_directory_of_host() { mkdir -m 0700 "$view/map" && chmod 1777 "$view/map"; }

appears_as "userns=host: an id means itself" userns=host 1000 200999
appears_as "userns=host: root is root" userns=host 0 1500
outside "userns=host: an id past the tenant's range" userns=host 65537
appears_as "userns=@NAME: the range of NAME" userns=@titi 301000 200999
outside "userns=@NAME: an id of another range" userns=@titi 101000
appears_as "uidmap=: several ranges" uidmap=0:150000:1:1:170000:999:1000:130000:10 130005 201004
appears_as "uidmap=: the first of them" uidmap=0:150000:1:1:170000:999:1000:130000:10 150000 1500
outside "uidmap=: between them" uidmap=0:150000:1:1:170000:999:1000:130000:10 170999
appears_as "gidmap= of its own" uidmap=0:100000:65536,gidmap=0:100000:2000:2000:102000:1000 102500 202499
outside "gidmap= without this id" uidmap=0:100000:65536,gidmap=0:100000:10 100500
appears_as "without userns=, without daemon.json: as host" owner=map 1000 200999
docker_remaps_to default
appears_as "userns=auto: default is dockremap" userns=auto 101000 200999
docker_remaps_to titi
appears_as "userns=auto: the user in daemon.json" owner=map 301000 200999
rm -r /etc/docker

unshare --user sleep infinity &
process=$!
disown
eventually 5 has_no_map_yet "$process"
echo "0 120000 5000" >"/proc/$process/uid_map"
echo "0 120000 5000" >"/proc/$process/gid_map"
appears_as "userns=pid:N: the map of that process" "userns=pid:$process" 121000 200999
outside "userns=pid:N: past its end" "userns=pid:$process" 125000
kill "$process"

echo "# ==== storeuid=, storegid="
mount_view toto "$view" userns=@dockremap,storeuid=4000,storegid=4001
# The tree's root is nobody's in this view: the host prepares a directory.
install -d -m 1777 -o 4000 -g 4001 "$tree/store"
in_container 0 sh -c ': >"$1"' - "$view/store/root"
in_container 1000 sh -c ': >"$1"' - "$view/store/user"
equal "container root is stored as they say" '100000:100000 4000:4001' "$(shown store/root) $(on_disk store/root)"
equal "others as ever" '101000:100000 200999:4001' "$(shown store/user) $(on_disk store/user)"
