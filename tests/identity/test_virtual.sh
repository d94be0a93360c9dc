#!/bin/bash
# owner=virtual on disk: podman's data (containers-storage's user.containers.override_stat) is read as it
# means, what a tenant could write there gains them nothing, and ACLs open nothing on the host.
# shellcheck source=../support/view_env.sh
source "$(dirname "$0")/../support/view_env.sh"
use_test_programs

tree=$T/containerdata/user-toto
view=$T/view
chmod 0711 "$tree"

inside() { in_container 0 stat -c '%u:%g %a %F' "$view/$1"; }
override() { getfattr --only-values -n "${2:-user.containers.override_stat}" "$tree/$1" 2>/dev/null; }
gets() { # SENTENCE OUTCOME UID[:GID] CALL ARGUMENTS...
  equal "$1" "$2" "$(in_container "$3" attempt "${@:4}")"
}

# As podman stores a layer with force_mask: every file the user's, special files as empty regular ones.
podmans() { # NAME VALUE
  install -o 1500 -g 1500 -m 0755 /dev/null "$tree/podman/$1"
  setfattr -n user.containers.override_stat -v "$2" "$tree/podman/$1"
}

test_podmans_data() {
  echo "# podman's data"
  install -d -o 1500 -g 1500 -m 0755 "$tree/podman" "$tree/podman/dir"
  setfattr -n user.containers.override_stat -v 0:0:0755:dir "$tree/podman"
  setfattr -n user.containers.override_stat -v 33:42:1777:dir "$tree/podman/dir"
  podmans file 1000:1001:0640:file
  podmans setuid 0:0:4755:file
  podmans pipe 5:6:0620:pipe
  podmans socket 7:8:0700:socket
  podmans char 0:6:0666:char-1-3
  podmans block 0:6:0666:block-8-0
  podmans old 1000:1001:0640
  ln -s target "$tree/podman/link" && chown -h 1500:1500 "$tree/podman/link"
  equal "a file" '1000:1001 640 regular empty file' "$(inside podman/file)"
  equal "a directory" '33:42 1777 directory' "$(inside podman/dir)"
  equal "a setuid file" '0:0 4755 regular empty file' "$(inside podman/setuid)"
  equal "a pipe" '5:6 620 fifo' "$(inside podman/pipe)"
  equal "a socket" '7:8 700 socket' "$(inside podman/socket)"
  equal "a symlink, which has no attribute" '0:0 777 symbolic link' "$(inside podman/link)"
  equal "a value without a type" '1000:1001 640 regular empty file' "$(inside podman/old)"
  equal "a device is the empty file that it is on disk" '0:6 666 regular empty file 0:6 666 regular empty file' \
    "$(inside podman/char) $(inside podman/block)"
  check "the pipe is one" pipe_works "$view/podman/pipe"
  gets "it can be chowned" ok 0 chown "$view/podman/pipe" 1000 1000
  equal "and goes on being podman's pipe" '1000:1000:0620:pipe' "$(override podman/pipe)"
  gets "its mode changed" ok 0 chmod "$view/podman/pipe" 0600
  equal "and stays a pipe" '1000:1000 600 fifo' "$(inside podman/pipe)"
  gets "it can be linked" ok 1000:1000 link "$view/podman/pipe" "$view/podman/dir/hard"
  gets "and removed" ok 0 unlink "$view/podman/pipe"
}
pipe_works() { # PATH
  in_container 0 timeout 5 sh -c "echo through >$1 & cat $1" | grep -qx through
}

test_what_is_written() {
  echo "# what a view writes is what containers-storage would"
  in_container 0 mkdir -m 1777 "$view/made"
  in_container 1000:2000 sh -c "umask 0; cd $view/made && : >file && mkdir dir && mkfifo pipe && ln -s x link && chmod 6711 file"
  equal "a file" 1000:2000:6711:file "$(override made/file)"
  equal "a directory" 1000:2000:0777:dir "$(override made/dir)"
  equal "a sticky one" 0:0:1777:dir "$(override made)"
  equal "a pipe, beside user.*" 1000:2000:0666:pipe "$(override made/pipe trusted.cvfs.override_stat)"
  equal "a symlink, beside user.*" 1000:2000:0777:symlink \
    "$(getfattr -h --only-values -n trusted.cvfs.override_stat "$tree/made/link" 2>/dev/null)"
}

test_forgeries() {
  echo "# what the tenant could write there"
  install -d -o 1500 -g 1500 -m 0755 "$tree/forged"
  local value i=0
  for value in 0:0:4755:block-7-0 4294967295:0:0777:file 0:4294967295:0777:file 70000:70000:0777:file \
    0:0:7777777:file 0:0:100755:file '' : 0:0 a:b:c; do
    install -o 1500 -g 1500 -m 0644 /dev/null "$tree/forged/$i"
    setfattr -n user.containers.override_stat -v "$value" "$tree/forged/$i"
    if [[ $(inside "forged/$i") == *regular*file ]]; then ok "'$value' is a file: $(inside "forged/$i")"; else fail "'$value' is a file" "$(inside "forged/$i")"; fi
    i=$((i + 1))
  done
  local name
  for name in user.containers.override_stat trusted.cvfs.override_stat user.cvfs.posix_acl_access user.cvfs.posix_acl_default trusted.cvfs.posix_acl_access; do
    gets "container root cannot set $name" EPERM 0 setxattr "$view/forged/1" "$name" 0:0:4755:file
    equal "nor the host's root" EPERM "$(attempt setxattr "$view/forged/1" "$name" x)"
  done
  setfattr -n user.cvfs.posix_acl_access -v nonsense "$tree/forged/2"
  check "nonsense for an ACL is none" in_container 0 getfacl "$view/forged/2"
}

test_acls_on_disk() {
  echo "# ACLs on disk"
  in_container 0 sh -c "mkdir -m 0755 $view/acl && echo text >$view/acl/f && chmod 0600 $view/acl/f && mkdir $view/acl/d"
  check "one can be set" in_container 0 setfacl -m u:1500:rwx,u:1001:rwx,g::-,m::rwx "$view/acl/f"
  check "a default one, too" in_container 0 setfacl -d -m u:1001:rwx "$view/acl/d"
  in_container 0 sh -c "umask 0; : >$view/acl/d/f"
  equal "it counts in the container" $'text\nok' "$(in_container 1001 attempt read "$view/acl/f")"
  equal "the mode shows the mask" 670 "$(stat -c %a "$view/acl/f")"
  equal "on disk there is none, and the group has what it has itself" '600 ' \
    "$(stat -c %a "$tree/acl/f") $(getfacl -cns "$tree/acl/f" 2>/dev/null)"
  equal "nor on what was inherited" "" "$(getfacl -cns "$tree/acl/d" "$tree/acl/d/f" 2>/dev/null)"
  equal "no user of the host has gained anything" EACCES "$(as_uid 101001 101001 attempt read "$tree/acl/f")"
  equal "nor the tenant's group" EACCES "$(as_uid 5000 1500 attempt read "$tree/acl/f")"
  equal "its name is that of every ACL" system.posix_acl_access \
    "$(in_container 0 getfattr -m - "$view/acl/f" 2>/dev/null | sed '/^#/d;/^$/d')"
  check "the host's own ACL on the tenant's file means nothing in a view" setfacl -m u:101002:rwx "$tree/acl/f"
  gets "the named user may not read" EACCES 1002 read "$view/acl/f"
}

test_setid_with_suid() {
  echo "# with suid, setid bits go with each write"
  # Not by mount(8), which does not hand suid on to its helpers.
  /sbin/mount.cvfs toto "$T/suid" -o "containerdata=$T/containerdata,userns=@dockremap,owner=virtual,suid"
  in_container 0 sh -c "mkdir -m 1777 $T/suid/s"
  in_container 1000:1000 sh -c "echo text >$T/suid/s/f && chmod 0777 $T/suid/s/f"
  local writer
  # shellcheck disable=SC2016
  in_container 1001:1001 bash -c 'exec 3>>"$1"; : >"$2"; until [[ -e $3 ]]; do sleep 0.05; done; echo more >&3' \
    - "$T/suid/s/f" "$T/suid/s/opened" "$T/suid/s/go" &
  writer=$!
  eventually 5 test -e "$T/suid/s/opened"
  in_container 1000:1000 chmod 4777 "$T/suid/s/f"
  in_container 1000:1000 sh -c ": >$T/suid/s/go"
  wait "$writer"
  equal "who had it open before it became setuid writes: it is gone" 777 "$(stat -c %a "$T/suid/s/f")"
  unmount_view "$T/suid"
}

mount_view toto "$view" userns=@dockremap,owner=virtual,cache=none
chmod 0711 "$view"
test_podmans_data
test_what_is_written
test_forgeries
test_acls_on_disk
unmount_view
mkdir "$T/suid"
test_setid_with_suid
