#!/bin/bash
# What a container's root can mount: the view again, without nosuid; with other ids; below an overlay. And
# user namespaces in user namespaces.
# shellcheck source-path=SCRIPTDIR source=../support/escape_env.sh
source "$(dirname "$0")/../support/escape_env.sh"

readonly attempts=$CVFS_SOURCE/tests/escape/attempts.py

# As container root in a mount namespace of its own; $1 is the directory `d` of the view.
mounting() { # SCRIPT
  in_container 0 unshare --mount --propagation private bash -c "$1" - "$view/d" 2>&1
}

test_flags() {
  class "nosuid and nodev lifted by a remount in a user namespace (CVE-2014-5206, CVE-2014-5207)"
  local how
  for how in remount,bind,suid,dev remount,suid,dev; do
    # shellcheck disable=SC2016  # for the container's shell
    equal "$how" nosuid,nodev "$(mounting 'mkdir -p $1/m && mount --bind $1 $1/m && mount -i -o '"$how"' $1/m 2>/dev/null
      findmnt -rn -o VFS-OPTIONS --mountpoint $1/m | tr , "\n" | grep -E "nosuid|nodev" | paste -sd,')"
  done
}

test_idmap() {
  class "an idmapped mount of the view: other ids than the worker knows, and a caller that requests do not name"
  equal "not to be had by container root" EINVAL \
    "$(in_container 0 unshare --mount python3 "$attempts" idmap "$view/d" "/proc/$container/ns/user")"
  equal "nor by the host's root" EINVAL "$(python3 "$attempts" idmap "$view/d" "/proc/$container/ns/user")"
}

test_handles() {
  class "file handles (Shocker, CVE-2014-3519)"
  local uid
  for uid in 0 1000; do
    equal "$uid has none, and forges none" "" "$(in_container "$uid" python3 "$attempts" handles "$view/d" | grep -w ok)"
  done
  equal "nor does the host's root" "" "$(python3 "$attempts" handles "$view/d" | grep -w ok)"
}

test_nested() {
  class "user namespaces with other maps, made by a container's user (CVE-2018-18955, CVE-2013-1858)"
  # shellcheck disable=SC2016  # for the shell inside
  in_container 1000:1000 unshare --user --map-root-user bash -c '
    cd "$1" && mkdir nested && cd nested && cp /bin/true f && chmod 6755 f
    chown 0:0 f; chown 1:1 f; chown 1000:1000 f; chown 65534:65534 f
    setcap cap_sys_admin+ep f; setfacl -m u:0:rwx,u:1:rwx f; setfattr -n trusted.x -v 1 f; setfattr -n security.x -v 1 f
    mknod null c 1 3; chattr +i f; cp f g; setcap cap_setuid+ep g' - "$view/d" &>/dev/null
  equal "what it leaves belongs to who made it" "$1" "$(find "$tree/d/nested" -printf '%U\n' | sort -u)"
  equal "no device" "" "$(find "$tree/d/nested" -type c)"
}

# CVE-2021-3493 and CVE-2023-2640 (capabilities by way of an overlay in a user namespace), CVE-2023-0386 (a setuid
# file of a nosuid FUSE filesystem copied up), CVE-2021-3847 (the same without a user namespace).
test_overlays() {
  class "an overlay on the view in a user namespace (CVE-2021-3493, CVE-2023-2640, CVE-2023-0386, CVE-2021-3847)"
  # shellcheck disable=SC2016  # for the container's shell
  local script='
    cd "$1" && mkdir -p low up work merged && cp /bin/true low/program && chmod 6755 low/program
    setcap cap_sys_admin+ep low/program
    for upper in view memory; do
      if [[ $upper == view ]]; then options=upperdir=up,workdir=work; else
        mkdir -p tmp && mount -t tmpfs tmpfs tmp && mkdir tmp/up tmp/work && options=upperdir=tmp/up,workdir=tmp/work
      fi
      mount -t overlay -o "lowerdir=low,$options,userxattr" overlay merged || mount -t overlay -o "lowerdir=low,$options" overlay merged || continue
      echo "on $upper"
      chmod 6755 merged/program; touch merged/program; chown 1000:1000 merged/program; chmod 6755 merged/program
      setcap cap_setuid+ep merged/program; setcap cap_sys_admin,cap_setuid+ep merged/program
      cp -a merged/program merged/copy; mknod merged/null c 1 3; mv merged/copy merged/moved; rm merged/program
      mkdir merged/dir; setfattr -n trusted.overlay.redirect -v ../../../outside merged/dir
      setfattr -n user.overlay.redirect -v /../../../outside up/dir
      cat merged/dir/secret merged/dir/*
      umount merged
    done'
  local said
  said=$(mounting "$script")
  equal "it is mounted, on the view and on what is the container's" "on view on memory" "$(grep '^on ' <<<"$said" | xargs)"
  never "what it finds by redirects is its own" root-secret "$said"
}

for owner in map:200999 virtual:1500; do
  echo "# ==== owner=${owner%:*}"
  mount_view toto "$view" "userns=@dockremap,owner=${owner%:*}"
  chmod 0711 "$view"
  in_container 0 mkdir -m 1777 "$view/d"
  test_flags
  test_idmap
  test_handles
  test_nested "${owner#*:}"
  test_overlays
  unmount_view
  nothing_gained
  equal "no setid file on disk belongs to root's ids" "" "$(find "$tree" -perm /6000 \( -user 0 -o -group 0 \))"
  find "$tree" -mindepth 1 -delete
done
