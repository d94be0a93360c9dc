#!/bin/bash
# Bits, attributes and nodes that would be privileged for a process of the host: nothing that a container does
# leaves one on disk, with each policy and with and without passthrough.
# shellcheck source-path=SCRIPTDIR source=../support/escape_env.sh
source "$(dirname "$0")/../support/escape_env.sh"

readonly attempts=$CVFS_SOURCE/tests/escape/attempts.py
readonly ways="write pwritev2 append direct splice sendfile copyrange fallocate truncate ftruncate otrunc"

setid_left() { find "$1" -type f -perm /6000 -printf '%f '; }

test_setid_by_writing() {
  class "writing to a setid file of somebody else's (CVE-2018-13405 and the like; passthrough writes, facts.md)"
  in_container 1000:1000 bash -c 'cd "$1" && seq 100 >source && for way in $2; do seq 100 >$way; chmod 6777 $way; done' - "$view/d" "$ways"
  equal "all of them are setid" "$(wc -w <<<"$ways")" "$(setid_left "$view/d" | wc -w)"
  equal "another uid writes in every way there is" "" "$(in_container 1001:1001 python3 "$attempts" write_ways "$view/d" | grep -v ' ok$')"
  equal "none is setid on the view any more" "" "$(setid_left "$view/d")"
  equal "nor on disk" "" "$(setid_left "$tree/d")"
  in_container 1000:1000 bash -c 'cd "$1" && for way in $2; do seq 100 >$way; chmod 6777 $way; done' - "$view/d" "$ways"
  equal "container root writes: its CAP_FSETID is of its user namespace" "" "$(in_container 0 python3 "$attempts" write_ways "$view/d" | grep -v ' ok$')"
  equal "none is setid on disk" "" "$(setid_left "$tree/d")"
  in_container 0 sh -c "rm $view/d/*"
}

test_setgid_of_strangers() {
  class "setgid of a group that one is not in (CVE-2018-13405: creating in a setgid directory; CVE-2021-4037)"
  in_container 0 sh -c "mkdir $view/d/team && chown 0:2000 $view/d/team && chmod 2777 $view/d/team"
  equal "each way of making one succeeds" "created ok node ok unnamed ok changed ok" \
    "$(in_container 1000:1000 python3 "$attempts" make_setgid "$view/d/team" | xargs)"
  equal "no file of the group has it" "" "$(find "$view/d/team" "$tree/d/team" -type f -perm /2000)"
}

test_capabilities_and_xattrs() {
  class "file capabilities and attributes of the kernel's (CVE-2021-3493, CVE-2023-0386: capabilities and setid through user namespaces; IMA, EVM, SELinux labels)"
  in_container 0 sh -c ": >$view/d/f && chmod 777 $view/d/f"
  local uid
  for uid in 0 1000; do
    equal "$uid sets none but a capability of its own" "$1" \
      "$(in_container "$uid" python3 "$attempts" xattrs "$view/d/f" | grep -w ok | xargs)"
    shift
  done
  in_container 0 setcap cap_sys_admin+ep "$view/d/f"
  in_container 0 cp -a "$view/d/f" "$view/d/copy"
  in_container 0 mv "$view/d/copy" "$view/d/moved"
  in_container 0 ln "$view/d/moved" "$view/d/hard"
  equal "the host's root sets a version 2 and a version 3 of its own" "" \
    "$(python3 "$attempts" xattrs "$view/d/f" | grep -E 'security.(selinux|ima|evm|apparmor|SMACK64) ok')"
  rm "$view/d/f" # with the trusted.* of the host's root
}

test_acls() { # OUTCOMES OF A CONTAINER
  class "ACL entries of ids that are nobody's, somebody else's, or root's"
  in_container 0 sh -c ": >$view/d/acl"
  equal "a container can name its own ids" "$1" "$(in_container 0 python3 "$attempts" acls "$view/d/acl" | grep -w ok | xargs)"
  equal "nonsense is refused" "" "$(in_container 0 python3 "$attempts" acls "$view/d/acl" | grep -E '^(short|version-1|torn|huge|no-owner) ok')"
  python3 "$attempts" acls "$view/d/acl" >/dev/null # by the host's root, which can name any id
}

test_nodes() {
  class "device nodes (nodev bypasses; CVE-2020-13401-style raw access), whiteouts"
  local uid kind
  for uid in 0 1000; do
    for kind in device blockdevice; do gets "$uid: $kind" EPERM "$uid" "$kind" "$view/d/$kind"; done
  done
  equal "the host's root: neither" 'EPERM EPERM' "$(attempt device "$view/d/c") $(attempt blockdevice "$view/d/b")"
  in_container 0 python3 -c 'import os, sys; os.mknod(sys.argv[1], 0o20666, 0)' "$view/d/whiteout" 2>/dev/null
  mknod -m 0666 "$view/d/whiteout2" c 0 0
  gets "a whiteout opens nothing" EACCES 0 read "$view/d/whiteout2"
  equal "on disk neither" ENXIO "$(attempt read "$tree/d/whiteout2")"
}

everything() { # CAPABILITIES-OF-ROOT ACLS
  in_container 0 mkdir -m 1777 "$view/d"
  test_setid_by_writing
  test_setgid_of_strangers
  test_capabilities_and_xattrs "$1" ""
  [[ -z $2 ]] || test_acls "$2"
  test_nodes
  unmount_view
  nothing_gained
  equal "no setid file on disk belongs to root's ids" "" "$(find "$tree" -perm /6000 \( -user 0 -o -group 0 \))"
  find "$tree" -mindepth 1 -delete
}

readonly own_acls="user:0 ok group:0 ok user:1 ok group:1 ok user:1000 ok group:1000 ok user:65535 ok group:65535 ok empty ok header ok" # the last two remove it
for options in owner=map owner=map,passthrough=off owner=virtual owner=virtual,passthrough=off; do
  echo "# ==== $options"
  mount_view toto "$view" "userns=@dockremap,$options"
  chmod 0711 "$view"
  everything "security.capability ok version-3-of-root ok" "$own_acls"
done

echo "# ==== owner=virtual: setid bits and ACLs are not on disk at all"
mount_view toto "$view" userns=@dockremap,owner=virtual
in_container 0 sh -c ": >$view/f && chmod 6777 $view/f && setfacl -m u:1000:rwx $view/f"
equal "neither" "" "$(find "$tree" -perm /6000)$(getfacl -Rnsp "$tree" 2>/dev/null)"
unmount_view
