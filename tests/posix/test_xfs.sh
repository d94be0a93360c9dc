#!/bin/bash
# Views on XFS: what only that filesystem has, and the differential tester there.
export BACKING=xfs
# shellcheck source=../support/view_env.sh
source "$(dirname "$0")/../support/view_env.sh"
use_test_programs

view=$T/view
mount_view toto "$view" userns=@dockremap,owner=map
mkdir "$view/d"
setfacl -m u:101000:rwx "$view/d"
equal "an ACL is stored with the tenant's ids" 1 "$(getfacl -n "$T/containerdata/user-toto/d" 2>&1 | grep -c 'user:200999:rwx')"
equal "XFS' second form of it, which has them untranslated, is not shown" '' \
  "$(getfattr -d -m trusted.SGI --absolute-names "$view/d" 2>&1)"
equal "and cannot be set" EPERM "$(attempt setxattr "$view/d" trusted.SGI_ACL_FILE x)"
rm -rf "$view/d"
echo text >"$view/flagged"
check "flags are changed beside those that XFS only tells of" xfs_io -c "chattr +d" "$view/flagged"
equal "and are" d "$(lsattr "$view/flagged" | cut -d' ' -f1 | tr -d -)"
rm "$view/flagged"
unmount_view

native=$T/containerdata/native
install -d -m 0711 "$native"
mount --bind "$native" "$native"
mount -o remount,bind,nosuid,nodev "$native"
for owner in map virtual caller; do
  mount_view toto "$view" "userns=host,owner=$owner"
  chmod 0711 "$view"
  declare -a without=()
  [[ $owner != caller ]] || without=(--without acl)
  [[ $owner != virtual ]] || without=(--without whiteouts)
  check "owner=$owner: no difference" differential --view "$view" --native "$native" --policy "$owner" \
    "${without[@]}" --operations 6000 --seed "${CVFS_DIFFERENTIAL_SEED:-1}"
  unmount_view
done
umount "$native"
rmdir "$native"
