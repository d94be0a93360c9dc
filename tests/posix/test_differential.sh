#!/bin/bash
# The differential tester (tests/differential) under every policy, with and without passthrough, in a
# container and outside: random steps on a view and natively on what backs it come to the same.
# CVFS_DIFFERENTIAL_OPERATIONS: that many a policy, half of them in a container (scripts/soak); otherwise
# a second each. CVFS_DIFFERENTIAL_SEED: where the seeds begin; otherwise at 1.
# CVFS_DIFFERENTIAL_ONLY: only the policies whose names match this regular expression.
# shellcheck source=../support/view_env.sh
source "$(dirname "$0")/../support/view_env.sh"
use_test_programs

view=$T/view
native=$T/containerdata/native
seed=${CVFS_DIFFERENTIAL_SEED:-1}

# A native directory with a view's mount options.
install -d -m 0711 "$native"
mount --bind "$native" "$native"
mount -o remount,bind,nosuid,nodev "$native"
# What storeuid= and storegid= make container root's.
install -d -m 0755 -o 7000 -g 7001 "$T/containerdata/user-toto/stored"

declare -a amount=(--operations 1000000000 --seconds 1)
[[ -z ${CVFS_DIFFERENTIAL_OPERATIONS:-} ]] || amount=(--operations $((CVFS_DIFFERENTIAL_OPERATIONS / 2)))

differ() { # SOURCE OPTIONS-OF-THE-VIEW OPTIONS-OF-THE-TESTER...
  local output code=0 name="$2 (${*:3})"
  [[ $name =~ ${CVFS_DIFFERENTIAL_ONLY:-} ]] || return 0
  mount_view "$1" "$view" "$2"
  chmod 0711 "$view"
  output=$(differential --view "$view" --native "$native" "${@:3}" "${amount[@]}" --seed "$seed" 2>&1) || code=$?
  if ((code == 0)); then
    ok "$name: ${output##*$'\n'}"
  else
    fail "$name: no difference" "$output" "(seed $seed on)"
  fi
  unmount_view
}

in_and_outside() { # SOURCE OPTIONS-OF-THE-VIEW OPTIONS-OF-THE-TESTER...
  differ "$1" "userns=host,$2" "${@:3}"
  differ "$1" "userns=@dockremap,$2" "${@:3}" --container
}

# A tester that finds nothing would pass everywhere.
finds_difference() { # NATIVE
  ! differential --view "$view" --native "$1" --operations 100000 --seed "$seed" >"$T/found" 2>&1 &&
    grep -q 'the last step:\|the trees afterwards:' "$T/found"
}
mount_view toto "$view" userns=host,owner=map
chmod 0711 "$view"
mkdir "$T/memory"
mount -t tmpfs -o nosuid,nodev tmpfs "$T/memory"
check "a view on ext4 is told from a tmpfs" finds_difference "$T/memory"
umount "$T/memory"
unmount_view

for passthrough in auto off; do
  without=none
  [[ $passthrough == auto ]] || without=passthrough
  # XFS does not give a whiteout what it gives anything else that is made in a directory.
  virtual=$without
  [[ $BACKING != xfs ]] || virtual+=,whiteouts
  more=passthrough=$passthrough
  in_and_outside toto "owner=map,$more" --policy map --without "$without"
  in_and_outside toto:/stored "owner=map,storeuid=7000,storegid=7001,$more" --policy map --without "$without"
  in_and_outside toto "owner=virtual,$more" --policy virtual --without "$virtual"
  in_and_outside toto "owner=caller,$more" --policy caller --without "acl,$without"
done
differ toto userns=host,owner=map --policy map --with flags
differ toto userns=@dockremap,owner=map,passthrough=off --policy map --without passthrough --with flags --container
differ toto userns=@dockremap,owner=virtual --policy virtual --without "${virtual/passthrough/none}" --with flags --container
differ toto userns=host,owner=virtual,passthrough=off --policy virtual --without "passthrough,$virtual" --with flags

umount "$native"
rmdir "$native"
