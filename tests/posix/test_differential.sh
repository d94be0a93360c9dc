#!/bin/bash
# The differential tester (tests/differential) under every policy: random steps on a view and natively
# on what backs it come to the same. CVFS_DIFFERENTIAL_OPERATIONS: that many a policy (scripts/soak);
# otherwise some seconds each. CVFS_DIFFERENTIAL_SEED: where the seeds begin; otherwise at 1.
# shellcheck source=../support/view_env.sh
source "$(dirname "$0")/../support/view_env.sh"
use_test_programs

view=$T/view
native=$T/containerdata/native
seed=${CVFS_DIFFERENTIAL_SEED:-1}
readonly seconds=5

# A native directory with a view's mount options.
install -d -m 0711 "$native"
mount --bind "$native" "$native"
mount -o remount,bind,nosuid,nodev "$native"

differ() { # OPTIONS-OF-THE-VIEW OPTIONS-OF-THE-TESTER...
  local output code=0
  local -a amount=(--operations 1000000000 --seconds "$seconds")
  [[ -z ${CVFS_DIFFERENTIAL_OPERATIONS:-} ]] || amount=(--operations "$CVFS_DIFFERENTIAL_OPERATIONS")
  mount_view toto "$view" "$1"
  chmod 0711 "$view"
  output=$(differential --view "$view" --native "$native" "${@:2}" "${amount[@]}" --seed "$seed" 2>&1) || code=$?
  if ((code == 0)); then
    ok "$1: ${output##*$'\n'}"
  else
    fail "$1: no difference" "$output" "(seed $seed on, differential ${*:2})"
  fi
  unmount_view
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

differ userns=host,owner=map --policy map
differ userns=@dockremap,owner=map --policy map --container
differ userns=host,owner=map,passthrough=off --policy map --without passthrough
differ userns=host,owner=virtual --policy virtual --without acl
differ userns=@dockremap,owner=virtual,passthrough=off --policy virtual --without acl,passthrough --container

umount "$native"
rmdir "$native"
