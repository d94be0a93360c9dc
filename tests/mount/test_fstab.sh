#!/bin/bash
# fstab and mount(8)'s own view of what is mounted: a source is shown as it was written, so that mount -a can
# be called again and umount(8) finds it.
# shellcheck source=../support/view_env.sh
source "$(dirname "$0")/../support/view_env.sh"

readonly ours=containerdata=$T/containerdata,userns=@dockremap,allow_other,nonempty,max_threads=3 # some as others spell it
mkdir -p "$T/whole" "$T/named" "$T/part"
install -d -o 1500 -g 1500 "$T/containerdata/user-toto/data"
printf '%s cvfs %s 0 0\n' "toto:/ $T/whole" "$ours" "titi $T/named" "$ours" "toto:/data $T/part" "$ours" >/etc/fstab
cd / || exit 1

for i in first second third; do
  check "mount -a for the $i time" mount -a
done
equal "each is mounted once, under its name" "titi toto:/ toto:/data" \
  "$(findmnt -rn -t fuse.cvfs -o SOURCE | sort | xargs)"
equal "cvfs knows it by either" "$("$CVFS_BIN/cvfs" status toto 2>&1 | head -3)" "$("$CVFS_BIN/cvfs" status toto:/ 2>&1 | head -3)"
check "it is unmounted by the source" umount toto:/
check "and is gone" bash -c '! mountpoint -q "$0"' "$T/whole"
check "it can be mounted by the source" mount toto:/
unmount_view "$T/whole"
unmount_view "$T/part"
unmount_view "$T/named"
rm /etc/fstab
