#!/bin/bash
# suid and dev: mount(8) strips them before its helper sees them, as they are other filesystems' defaults.
# Whoever says them gets them, wherever they say them; nobody else does; and suid never where it would make
# a tenant's program the host's root's.
# shellcheck source=../support/view_env.sh
source "$(dirname "$0")/../support/view_env.sh"
use_test_programs

view=$T/view
readonly ours=containerdata=$T/containerdata,userns=@dockremap

flags() { # the mount flags of the view that are about it
  findmnt -rn -o VFS-OPTIONS "$view" | tr , '\n' | grep -xE 'nosuid|nodev' | paste -sd, -
}

has_flags() { # SENTENCE EXPECTED COMMAND...
  "${@:3}" || fail "$1: it is mounted"
  equal "$1" "$2" "$(flags)"
  unmount_view
}

echo "# on the command line of mount(8)"
has_flags "neither is said" nosuid,nodev mount -t cvfs toto:/ "$view" -o "$ours"
has_flags "suid" nodev mount -t cvfs toto:/ "$view" -o "$ours,suid"
has_flags "dev" nosuid mount -t cvfs -o "dev,$ours" toto:/ "$view"
has_flags "both, spelled otherwise" "" mount --types cvfs --options="$ours" --options suid,dev --source toto:/ --target "$view"
has_flags "both, without a blank" "" mount -t cvfs -o"suid,dev,$ours" toto:/ "$view"
has_flags "the last word counts" nodev mount -t cvfs toto:/ "$view" -o "$ours,nosuid,nodev,suid"
has_flags "the last word counts" nosuid mount -t cvfs toto:/ "$view" -o "$ours,suid,dev,nosuid"
has_flags "defaults is nobody's wish" nosuid,nodev mount -t cvfs toto:/ "$view" -o "defaults,$ours"
has_flags "user takes both away" nosuid,nodev mount -t cvfs toto:/ "$view" -o "user,$ours"
has_flags "and gives back what is said after it" nodev mount -t cvfs toto:/ "$view" -o "user,suid,$ours"
has_flags "to mount.cvfs itself" "" mount.cvfs toto:/ "$view" -o "suid,dev,$ours"

echo "# in fstab"
printf 'toto:/ %s cvfs %s 0 0\n' "$view" "suid,$ours" >/etc/fstab
has_flags "by the mount point" nodev mount "$view"
has_flags "by the source" nodev mount toto:/
has_flags "with -a" nodev mount -a -t cvfs
has_flags "and more on the command line" "" mount -o dev "$view"
has_flags "which may take it away" nosuid,nodev mount -o nosuid "$view"
has_flags "who names both source and mount point does not mean fstab" nosuid,nodev mount -t cvfs toto:/ "$view" -o "$ours"
rm /etc/fstab

echo "# suid where container root is the host's root"
for owner in map virtual caller; do
  has_flags "owner=$owner: not to be had, and the rest is mounted" nosuid \
    mount -t cvfs toto:/ "$view" -o "containerdata=$T/containerdata,userns=host,owner=$owner,suid,dev"
done
check "and the log says so" grep -q "nosuid all the same: container root is the host's root here" "$T/log"
has_flags "but where that one is root on disk, too" "" \
  mount -t cvfs toto:/ "$view" -o "containerdata=$T/containerdata,userns=host,owner=virtual,storeuid=0,storegid=0,suid,dev"
