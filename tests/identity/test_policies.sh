#!/bin/bash
# Every owner policy under the same tests: a container's processes do the same on a directory of plain
# ext4, which their user namespace owns there, and on a view; what they are told must be the same, call for call.
# shellcheck source=../support/view_env.sh
source "$(dirname "$0")/../support/view_env.sh"
use_test_programs

tree=$T/containerdata/user-toto
view=$T/view
plain=$T/containerdata/plain
chmod 0711 "$tree"

# ---- what is done: in the directory $d; each line says what came out ------------------------------

as() { # UID[:GID[:GROUPS]] COMMAND...
  local uid gid groups
  IFS=: read -r uid gid groups <<<"$1"
  if [[ -n $groups ]]; then
    in_container 0 setpriv --reuid "$uid" --regid "$gid" --groups "$groups" -- "${@:2}"
  else
    in_container "$uid:${gid:-$uid}" "${@:2}"
  fi
}
try() { # UID CALL PATH ARGUMENTS...: below $d
  printf '%s\t' "$*"
  as "$1" attempt "$2" "$d/$3" "${@:4}" 2>&1
}
move() { printf '%s\t' "rename $*"; as "$1" attempt rename "$d/$2" "$d/$3"; }     # UID FROM TO
hard() { printf '%s\t' "link $*"; as "$1" attempt link "$d/$2" "$d/$3"; }         # UID FROM TO
look() { as 0 stat -c '%n %u:%g %a %F %h %s' "${@/#/$d/}" 2>&1 | sed "s|$d/||"; } # PATH...
acls() { as 0 getfacl -n --omit-header --absolute-names "${@/#/$d/}" 2>&1 | sed "s|$d/||"; }
make() { as "$1" sh -c "umask 0; cd $d && $2"; } # UID SCRIPT

modes_and_umask() {
  make 0 'mkdir -m 1777 modes'
  local umask
  for umask in 000 022 027 077; do
    as 1000 sh -c "umask $umask && cd $d/modes && : >f$umask && mkdir d$umask && mkfifo p$umask && ln -s x l$umask"
    look modes/{f,d,p,l}$umask
  done
}

chown_and_chgrp() {
  make 0 'mkdir -m 1777 chown'
  make 1000 ': >chown/f; : >chown/g; mkdir chown/d; ln -s f chown/l; mkfifo chown/p'
  local kind
  for kind in f d l p; do
    try 1000 chown "chown/$kind" 1001 1000
    try 1001 chown "chown/$kind" 1001 1001
    try 1000 chgrp "chown/$kind" 2000
    try 1000:1000:2000 chgrp "chown/$kind" 2000
    try 1000:1000:2000 chgrp "chown/$kind" 3000
    try 1001 chgrp "chown/$kind" 1001
    look "chown/$kind"
    try 0 chown "chown/$kind" 1002 3000
    look "chown/$kind"
  done
  try 1001 chmod chown/f 777
  try 1002 chmod chown/f 4755
  try 1002 chmod chown/f 2755
  look chown/f
  make 0 'chown 1002:1002 chown/f chown/g'
  try 1002 chmod chown/f 6755
  look chown/f
  try 0 chown chown/f 1000 1000
  look chown/f
  try 1000 chmod chown/f 2745
  try 0 chown chown/f 1001 1001
  look chown/f
  try 0 chown chown/g 70000 0
  try 0 chgrp chown/g 70000
  look chown/g
}

sticky_directories() {
  make 0 'mkdir -m 1777 sticky'
  make 1000 'cd sticky && : >f && mkdir d && : >g'
  try 1001 unlink sticky/f
  try 1001 rmdir sticky/d
  move 1001 sticky/f sticky/mine
  try 1001 create sticky/own
  move 1001 sticky/own sticky/f
  try 1001 unlink sticky/own
  try 1000 unlink sticky/f
  try 0 unlink sticky/g
  make 0 'mkdir -m 1777 sticky/of1000 && chown 1000:1000 sticky/of1000'
  try 1001 create sticky/of1000/f
  try 1000 unlink sticky/of1000/f
  make 0 'mkdir -m 1775 sticky/team && chown 1000:2000 sticky/team && chmod 1775 sticky/team'
  try 1001:1001:2000 create sticky/team/f
  try 1002:1002:2000 unlink sticky/team/f
  try 1003 unlink sticky/team/f
  try 1003 create sticky/team/g
  look sticky/team sticky/team/f
}

setgid_directories() {
  make 0 'mkdir setgid && chown 0:2000 setgid && chmod 2777 setgid'
  make 1000 'cd setgid && : >f && mkdir d && : >d/g && mkfifo p && ln -s x l'
  look setgid setgid/{f,d,d/g,p,l}
  try 1000 tmpfile setgid/t
  try 1000 create setgid/s 2777
  try 1000 chmod setgid/f 2777
  try 1000:1000:2000 chmod setgid/d 2775
  try 1000:2000 create setgid/own 2755
  look setgid/{t,s,f,d,own}
  try 1000:1000:2000 mkdir setgid/e 0755
  look setgid/e
}

group_rights() {
  make 0 'mkdir -m 755 groups && echo text >groups/f && chown 0:2000 groups/f && chmod 640 groups/f &&
    mkdir groups/d && chown 0:2000 groups/d && chmod 770 groups/d'
  try 1000:1000:2000 read groups/f
  try 1000:1000:3000,2000 read groups/f
  try 1000:2000 read groups/f
  try 1000:1000:3000 read groups/f
  try 1000:1000:2000 write groups/f x
  try 1000:1000:2000 create groups/d/f
  try 1000:1000:3000 create groups/d/g
  look groups/d groups/d/f
}

setid_and_writes() {
  make 0 'mkdir -m 1777 setid'
  local mode call
  for mode in 4777 2777 6777 2767 6776; do
    for call in write append truncate; do
      make 1000 "echo text >setid/$call$mode && chmod $mode setid/$call$mode"
      try 1001 "$call" "setid/$call$mode" 1
      look "setid/$call$mode"
    done
    make 1000 "echo text >setid/trunc$mode && chmod $mode setid/trunc$mode"
    as 1001 sh -c ": >$d/setid/trunc$mode"
    look "setid/trunc$mode"
    # That a member of the group keeps a setgid bit which is none (no group execution) is not to be had: who
    # writes to a file that is passed through, the backing filesystem does not know.
    [[ $mode == 2767 ]] || make 1000 "echo text >setid/own$mode && chmod $mode setid/own$mode && echo x >>setid/own$mode"
    [[ $mode == 2767 ]] || look "setid/own$mode"
    [[ $mode == 2767 ]] || make 0 "echo text >setid/root$mode && chmod $mode setid/root$mode && echo x >>setid/root$mode"
    [[ $mode == 2767 ]] || look "setid/root$mode"
    make 1000 "echo text >setid/fallocate$mode && chmod $mode setid/fallocate$mode"
    as 1001 fallocate -l 8192 "$d/setid/fallocate$mode"
    look "setid/fallocate$mode"
  done
}

access_acls() {
  make 0 'mkdir -m 755 acl'
  make 0 'cd acl && echo text >f && mkdir d && mkfifo p && chown 1000:1000 f d p && chmod 600 f p && chmod 700 d'
  as 1000 setfacl -m u:1001:r,g:2000:rw "$d/acl/f"
  as 1000 setfacl -m u:1001:rwx "$d/acl/d"
  as 1000 setfacl -m u:1001:r "$d/acl/p" 2>&1 | sed "s|$d||"
  look acl/f acl/d acl/p
  acls acl/f acl/d acl/p
  try 1001 read acl/f
  try 1001 write acl/f x
  try 1002:2000 write acl/f y
  try 1002:1002:2000 write acl/f z
  try 1003 read acl/f
  try 1001 create acl/d/f
  try 1002 create acl/d/g
  look acl/d/f
  echo "mask"
  as 1000 setfacl -m m::r "$d/acl/f"
  look acl/f
  acls acl/f
  try 1002:2000 write acl/f x
  try 1002:2000 read acl/f
  try 1000 chmod acl/f 0660
  look acl/f
  acls acl/f
  try 1002:2000 write acl/f x
  try 1000 chmod acl/f 0600
  try 1002:2000 read acl/f
  acls acl/f
  try 1001 chmod acl/f 0777
  as 1001 setfacl -m u:1001:rwx "$d/acl/f" 2>&1 | sed "s|$d||"
  echo "equivalent to a mode, and removed"
  as 1000 setfacl -b "$d/acl/f"
  look acl/f
  acls acl/f
  as 1000 setfacl -m u:1001:rwx "$d/acl/f"
  as 1000 setfacl --set u::rw,g::r,o::- "$d/acl/f"
  look acl/f
  acls acl/f
  as 1000 setfacl -m u:1001:rwx "$d/acl/f"
  as 1000 setfattr -x system.posix_acl_access "$d/acl/f"
  look acl/f
  acls acl/f
  as 0 getfattr -m - "$d/acl/d" 2>&1 | grep -v '^#'
  echo "a named entry against the group and others"
  make 0 'cd acl && echo text >n && chown 1000:2000 n && chmod 664 n'
  as 1000 setfacl -m u:1001:---,g:3000:--- "$d/acl/n"
  local who
  for who in 1001 1001:2000 1002:3000 1002:1002:3000,2000 1003:2000 1004; do
    try "$who" read acl/n
    try "$who" write acl/n x
  done
  echo "copies keep them"
  as 0 cp -a "$d/acl/n" "$d/acl/copy"
  acls acl/copy
  move 0 acl/copy acl/moved
  acls acl/moved
  hard 0 acl/moved acl/hard
  acls acl/hard
}

default_acls() {
  make 0 'mkdir -m 755 default && mkdir default/d && chown 1000:1000 default/d'
  as 1000 setfacl -d -m u::rwx,g::rx,o::-,u:1001:rwx,g:2000:rx "$d/default/d"
  acls default/d
  look default/d
  local umask
  for umask in 000 077; do
    as 1000 sh -c "umask $umask; cd $d/default/d; : >f$umask; mkdir d$umask; mkfifo p$umask; ln -s x l$umask; : >d$umask/g"
    look default/d/{f,d,p,l}$umask default/d/d$umask/g
    acls default/d/{f,d,p}$umask default/d/d$umask/g
  done
  try 1000 create default/d/mode 0400
  try 1000 mkdir default/d/dmode 0500
  try 1000 tmpfile default/d/tmp
  look default/d/{mode,dmode,tmp}
  acls default/d/{mode,dmode,tmp}
  try 1001 write default/d/f000 x
  try 1002:2000 read default/d/f000
  try 1002:2000 write default/d/f000 x
  try 1003 read default/d/f000
  echo "minimal default ACLs"
  make 1000 'mkdir default/d/m'
  as 1000 setfacl -k "$d/default/d/m"
  as 1000 setfacl -b "$d/default/d/m"
  as 1000 setfacl -d -m u::rw,g::r,o::r "$d/default/d/m"
  as 1000 sh -c "umask 077; : >$d/default/d/m/f; mkdir $d/default/d/m/d"
  look default/d/m default/d/m/f default/d/m/d
  acls default/d/m default/d/m/f default/d/m/d
  as 1000 setfacl -k "$d/default/d/m"
  as 1000 sh -c "umask 027; : >$d/default/d/m/g"
  look default/d/m/g
  acls default/d/m
  as 1000 setfacl -d -m u:1001:r "$d/default/d/f000" 2>&1 | sed "s|$d||"
  echo "in a setgid directory"
  make 0 'mkdir default/s && chown 1000:2000 default/s && chmod 2775 default/s'
  as 1000 setfacl -d -m u:1001:rwx "$d/default/s"
  make 1001:1001:2000 ': >default/s/f; mkdir default/s/d'
  look default/s default/s/f default/s/d
  acls default/s/f default/s/d
}

acls_and_setgid() {
  make 0 'mkdir -m 755 aclsetgid && cd aclsetgid && mkdir d && : >f && : >g && chown 1000:1000 d f && chown 1000:2000 g && chmod 2775 d f g'
  as 1000 setfacl -m u:1001:rwx "$d/aclsetgid/d" "$d/aclsetgid/f" "$d/aclsetgid/g"
  look aclsetgid/{d,f,g}
  make 0 'chmod 2775 aclsetgid/g'
  as 1000:1000:2000 setfacl -m u:1002:rwx "$d/aclsetgid/g"
  look aclsetgid/g
}

capabilities() {
  make 0 'mkdir -m 755 caps && : >caps/f && chmod 777 caps/f'
  as 0 setcap cap_net_raw+ep "$d/caps/f"
  as 0 getcap "$d/caps/f" | sed "s|$d/||"
  as 1000 setcap cap_net_raw+ep "$d/caps/f" 2>&1 | sed "s|$d/||" | head -n 1
  try 1000 write caps/f x
  as 0 getcap "$d/caps/f" | sed "s|$d/||"
  as 0 setcap cap_net_raw,cap_chown=ei "$d/caps/f"
  try 0 truncate caps/f 0
  as 0 getcap "$d/caps/f" | sed "s|$d/||"
  as 0 setcap cap_chown=ei "$d/caps/f"
  try 0 chown caps/f 1000 1000
  as 0 getcap "$d/caps/f" | sed "s|$d/||"
}

xattrs() {
  make 0 'mkdir -m 755 xattrs'
  make 0 'cd xattrs && : >f && mkdir d && ln -s f l && mkfifo p && chown -h 1000:1000 f d l p && mkdir -m 1777 s'
  local kind
  for kind in f d l p s; do
    try 1000 setxattr "xattrs/$kind" user.mine value
    try 1001 setxattr "xattrs/$kind" user.other value
    try 1001 getxattr "xattrs/$kind" user.mine
    try 0 setxattr "xattrs/$kind" trusted.x value
    try 0 getxattr "xattrs/$kind" trusted.x
    try 1000 removexattr "xattrs/$kind" user.mine
    try 1000 removexattr "xattrs/$kind" user.mine
  done
}

everything() { # DIRECTORY
  d=$1
  local part
  for part in modes_and_umask chown_and_chgrp sticky_directories setgid_directories group_rights \
    setid_and_writes access_acls default_acls acls_and_setgid capabilities xattrs; do
    printf '\n==== %s\n' "$part"
    "$part" 2>&1 | sed "s|$d|DIR|g"
  done
}

# ---- the oracle and the views ---------------------------------------------------------------------

install -d -o 100000 -g 100000 "$plain"
everything "$plain" >"$T/oracle"
check "on plain ext4 several hundred answers came" test "$(wc -l <"$T/oracle")" -gt 400
equal "no command was missing there" "" "$(grep -i 'not found' "$T/oracle")"

same_on() { # OPTIONS
  mount_view toto "$view" "userns=@dockremap,$1"
  chmod 0711 "$view"
  in_container 0 mkdir "$view/work"
  everything "$view/work" >"$T/answers"
  if cmp -s "$T/oracle" "$T/answers"; then
    ok "$1: $(wc -l <"$T/answers") answers, all as on ext4"
  else
    fail "$1: as on ext4" "$(diff "$T/oracle" "$T/answers" | head -n 40)"
  fi
  equal "$1: no setid bit of a file is root's on disk" "" "$(find "$tree" -perm /6000 -type f \( -user 0 -o -group 0 \))"
  equal "$1: nothing on disk is root's" "" "$(find "$tree" -mindepth 1 \( -user 0 -o -group 0 \))"
  equal "$1: no capability on disk counts for the host" "" \
    "$(getfattr -R -n security.capability -e hex "$tree" 2>/dev/null | grep '=0x......02')"
  unmount_view
  find "$tree" -mindepth 1 -delete
}

for policy in owner=map owner=virtual; do
  for passthrough in auto off; do
    same_on "$policy,passthrough=$passthrough"
  done
done
chown 4000:4001 "$tree"
same_on owner=map,storeuid=4000,storegid=4001
same_on owner=virtual,storeuid=4000,storegid=4001
chown 1500:1500 "$tree"
