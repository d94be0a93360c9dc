#!/bin/bash
# Who may keep setuid and setgid bits when a file is changed, and who loses them: on a view, under
# each policy, what plain ext4 says.
# shellcheck source=../support/view_env.sh
source "$(dirname "$0")/../support/view_env.sh"
use_test_programs

view=$T/view
plain=$T/containerdata/plain

# One way to change the file `f`, by an open descriptor and, where the third word says so, with the
# bits set when it is open already.
readonly change='
import os, sys
how, late = sys.argv[1], sys.argv[2] == "late"
if late:
    os.chmod("f", 0o755)
f = os.open("f", os.O_RDWR)
if late:
    os.chmod("f", 0o6755)
if how == "write":
    os.pwrite(f, b"x", 0)
elif how == "append":
    os.write(os.open("f", os.O_WRONLY | os.O_APPEND), b"x")
elif how == "truncate":
    os.ftruncate(f, 1)
elif how == "allocate":
    os.posix_fallocate(f, 0, 9000)
elif how == "nobody":
    os.fchown(f, -1, -1)
elif how == "copy":
    os.copy_file_range(os.open("from", os.O_RDONLY), f, 3)
'

# As root of a container: CAP_FSETID does not count there.
mode_in_container() { # DIRECTORY HOW
  rm -f "$1/f"
  printf text >"$1/f"
  printf text >"$1/from"
  chown 100000:100000 "$1/f"
  chmod 6755 "$1/f"
  # shellcheck disable=SC2016  # expanded by the container's shell
  in_container 0 sh -c 'cd "$1" && shift && python3 -c "$@"' - "$1" "$change" "$2" early 2>&1
  stat -c %a "$1/f"
}

mode_after() { # DIRECTORY UID HOW WHEN
  rm -f "$1/f"
  printf text >"$1/f"
  printf text >"$1/from"
  chown 1000:1000 "$1/f"
  chmod 6755 "$1/f"
  (cd "$1" && as_uid "$2" "$2" python3 -c "$change" "$3" "$4") 2>&1
  stat -c %a "$1/f"
}

compare() { # NAME UID HOW WHEN
  equal "$1: uid $2: $3, bits set $4" "$(mode_after "$plain" "${@:2}")" "$(mode_after "$view/own" "${@:2}")"
}

# Setgid without group execution: kept by members of the group 2000 and by root.
groupless() { # DIRECTORY UID GROUPS MODE HOW
  rm -f "$1/f"
  # shellcheck disable=SC2016  # the inner shell's
  as_uid 1000 2000 sh -c 'printf text >"$1/f"' - "$1"
  printf text >"$1/from"
  chmod "$4" "$1/f"
  (cd "$1" && setpriv --reuid "$2" --regid "$2" --groups "$3" -- python3 -c "$change" "$5" early) 2>&1
  stat -c %a "$1/f"
}
chgrp_groupless() { # DIRECTORY UID GROUPS
  rm -f "$1/f"
  printf text >"$1/f"
  chown 1000:2000 "$1/f"
  chmod 2666 "$1/f"
  setpriv --reuid "$2" --regid "$2" --groups "$3" -- chgrp 3000 "$1/f" 2>&1
  stat -c %a "$1/f"
}
compare_groupless() { # NAME
  local who how mode
  for who in 1000,2000 1000,3000 1001,2000 1001,3000 0,3000; do
    for mode in 2666 6666; do
      for how in write truncate open allocate copy; do
        # Under passthrough who is to lose it does so when it opens the file, and root its setuid bit, too.
        [[ $1,$how != *auto,open && $1,$mode,$how != *auto,6666,write ]] || continue
        equal "$1: uid and group $who: $how to mode $mode" "$(groupless "$plain" "${who%,*}" "${who#*,}" "$mode" "$how")" \
          "$(groupless "$view/own" "${who%,*}" "${who#*,}" "$mode" "$how")"
      done
    done
  done
  for who in 1000,2000,3000 1000,3000 0,3000; do
    equal "$1: uid and groups $who: chgrp to 3000" "$(chgrp_groupless "$plain" "${who%%,*}" "${who#*,}")" \
      "$(chgrp_groupless "$view/own" "${who%%,*}" "${who#*,}")"
  done
}

# chmod, then an ACL, by an owner who is not in the group.
mode_after_acl() { # DIRECTORY FILE-OR-DIRECTORY
  rm -rf "$1/x"
  "$2" "$1/x"
  chown 1000:0 "$1/x"
  chmod 2775 "$1/x"
  as_uid 1000 1000 setfacl -m u:1001:rwx "$1/x" 2>&1
  stat -c %a "$1/x"
}

install -d -m 0777 "$plain"
chmod 0777 "$plain"
for owner in map virtual; do
  for passthrough in auto off; do
    mount_view toto "$view" "userns=host,owner=$owner,passthrough=$passthrough"
    chmod 0711 "$view"
    mkdir -m 0777 "$view/own"
    chmod 0777 "$view/own"
    for how in open truncate allocate copy nobody; do
      compare "owner=$owner,passthrough=$passthrough" 1000 "$how" early
      compare "owner=$owner,passthrough=$passthrough" 0 "$how" early
    done
    # Under passthrough the kernel writes as the tenant, whoever asked.
    for how in write append; do
      compare "owner=$owner,passthrough=$passthrough" 1000 "$how" early
      [[ $passthrough == auto ]] || compare "owner=$owner,passthrough=$passthrough" 0 "$how" early
    done
    for how in allocate copy write; do
      compare "owner=$owner,passthrough=$passthrough" 1000 "$how" late
    done
    if [[ $owner == map ]]; then
      for make in touch mkdir; do
        equal "an ACL on a setgid thing ($make) of another group" "$(mode_after_acl "$plain" "$make")" \
          "$(mode_after_acl "$view/own" "$make")"
      done
    fi
    compare_groupless "owner=$owner,passthrough=$passthrough"
    rm -rf "$view/own"
    unmount_view
    mount_view toto "$view" "userns=@dockremap,owner=$owner,passthrough=$passthrough"
    chmod 0711 "$view"
    mkdir "$view/own"
    chmod 0777 "$view/own"
    for how in truncate allocate copy write; do
      equal "owner=$owner,passthrough=$passthrough: a container's root: $how" \
        "$(mode_in_container "$plain" "$how")" "$(mode_in_container "$view/own" "$how")"
    done
    rm -rf "$view/own"
    unmount_view
  done
done
