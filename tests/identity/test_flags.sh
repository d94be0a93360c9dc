#!/bin/bash
# chattr(1) on a view: the four ioctls that the kernel makes of it, who may change what, and that it means
# what it does on disk. Project ids, with which the host counts quotas, are not a container's to set.
# shellcheck source=../support/view_env.sh
source "$(dirname "$0")/../support/view_env.sh"
use_test_programs

tree=$T/containerdata/user-toto
view=$T/view
chmod 0711 "$tree"

flags_of() { lsattr -d "$1" 2>&1 | cut -d' ' -f1 | tr -d -- '-eN'; }
chattr_says() { # SENTENCE EXPECTED UID ARGUMENTS...
  equal "$1" "$2" "$(in_container "$3" chattr "${@:4}" 2>&1 | sed -E 's/ while .*//')"
}

readonly search_holes='
import os, subprocess, sys
with open(sys.argv[1], "w") as f:
    f.write("text")
f = os.open(sys.argv[1], os.O_RDWR)
subprocess.check_call(["chattr", "+" + sys.argv[2], sys.argv[1]])
print(os.lseek(f, 0, os.SEEK_DATA), os.lseek(f, 0, os.SEEK_HOLE))
'
readonly allocate_late='
import os, subprocess, sys
f = os.open(sys.argv[1], os.O_RDWR)
subprocess.check_call(["chattr", "+a", sys.argv[1]])
os.posix_fallocate(f, 0, 9000)
print("ok")
'

test_flags() {
  in_container 0 sh -c "mkdir -m 0777 $view/d && : >$view/d/f && chown 1000:1000 $view/d/f && ln -s f $view/d/l && mkfifo $view/d/p"
  chattr_says "the owner sets nodump" "" 1000 +d "$view/d/f"
  equal "it is there, in a container and on disk" 'd d' "$(flags_of "$view/d/f") $(flags_of "$tree/d/f")"
  chattr_says "and takes it away" "" 1000 -d "$view/d/f"
  equal "it is gone" ' ' "$(flags_of "$view/d/f") $(flags_of "$tree/d/f")"
  chattr_says "on a directory" "" 0 +dA "$view/d"
  equal "it is there" "$(flags_of "$tree/d")" "$(flags_of "$view/d")"
  chattr_says "others may not" "$1" 1001 +d "$view/d/f"
  chattr -d "$view/d/f"
  local flag
  for flag in i a; do
    chattr -d "$view/d/f"
    chattr_says "container root may not set +$flag: its capability is of its user namespace" \
      "chattr: Operation not permitted" 0 +$flag "$view/d/f"
    check "the host's root may" chattr +$flag "$view/d/f"
    equal "it is on disk" "$flag" "$(flags_of "$tree/d/f")"
    equal "container root cannot write over it" EPERM "$(in_container 0 attempt write "$view/d/f" x)"
    equal "nor remove it" EPERM "$(in_container 0 attempt unlink "$view/d/f")"
    chattr_says "nor take +$flag away" "chattr: Operation not permitted" 0 -$flag "$view/d/f"
    [[ $flag$BACKING != iext4 ]] || chattr_says "nor set another flag meanwhile" "chattr: Operation not permitted" 0 +d "$view/d/f"
    check "the host's root takes it away" chattr -$flag "$view/d/f"
    equal "and it is writable again" ok "$(in_container 0 attempt write "$view/d/f" x)"
  done
  for flag in i a; do
    equal "who has it open when it becomes +$flag still finds its data and holes" "0 4" \
      "$(python3 -c "$search_holes" "$view/d/f" "$flag" 2>&1)"
    chattr -$flag "$view/d/f"
  done
  equal "and still allocates what is to be appended" ok "$(python3 -c "$allocate_late" "$view/d/f" 2>&1)"
  chattr -a "$view/d/f"
  chattr_says "a container may not set a project" "chattr: Invalid argument" 0 -p 5 "$view/d/f"
  equal "the host's root neither, through a view" 1 "$(chattr -p 5 "$view/d/f" &>/dev/null; echo $?)"
  equal "project inheritance is not a container's" 1 "$(in_container 0 chattr +P "$view/d" &>/dev/null; echo $?)"
  equal "data journalling is nobody's" 1 "$(chattr +j "$view/d/f" &>/dev/null; echo $?)"
  equal "a symlink and a pipe have none" 2 "$(in_container 0 lsattr -d "$view/d/l" "$view/d/p" 2>&1 | grep -c 'While reading flags')"
  equal "any other ioctl is none" ENOTTY "$(in_container 1000 python3 -c '
import errno, fcntl, sys
try:
    fcntl.ioctl(open(sys.argv[1]), 0x80086603, bytes(8))
except OSError as error:
    print(errno.errorcode[error.errno])' "$view/d/f")"
  in_container 0 rm -r "$view/d"
}

for options in owner=map owner=map,passthrough=off owner=virtual owner=caller; do
  echo "# $options"
  mount_view toto "$view" "userns=@dockremap,$options"
  chmod 0711 "$view"
  # With owner=caller there are no others.
  if [[ $options == owner=caller ]]; then test_flags ""; else test_flags "chattr: Operation not permitted"; fi
  unmount_view
done
