#!/bin/bash
# The data of one file, changed in every way through a view and on what backs it, stays what a model
# in memory says (tests/support/programs/data_tester.cpp). CVFS_DATA_OPERATIONS, CVFS_DATA_SEED.
# shellcheck source=../support/view_env.sh
source "$(dirname "$0")/../support/view_env.sh"
use_test_programs

view=$T/view
tree=$T/containerdata/user-toto
operations=${CVFS_DATA_OPERATIONS:-5000}
seed=${CVFS_DATA_SEED:-1}

holds() { # NAME VIEW BACKING shared|own
  check "$1: $operations operations, seed $seed" data_tester "$2" "$3" "$operations" "$seed" "$4"
}

holds "plain $BACKING" "$tree/plain" "$tree/plain" shared
rm "$tree/plain"

# A tester that finds nothing would pass everywhere: here the two have page caches of their own.
mount_view toto "$view" userns=host,owner=map,passthrough=off
is_told() { ! data_tester "$view/apart" "$tree/apart" 5000 "$seed" shared; }
check "what is not one page cache is told" is_told
rm "$view/apart"
unmount_view

for owner in map virtual; do
  # Whoever reads the size asks: the host changes it, too.
  mount_view toto "$view" "userns=host,owner=$owner,cache=none"
  holds "owner=$owner, passthrough" "$view/shared" "$tree/shared" shared
  rm "$view/shared"
  unmount_view
  for cache in none ttl:1; do
    mount_view toto "$view" "userns=host,owner=$owner,passthrough=off,cache=$cache"
    holds "owner=$owner, passthrough=off, cache=$cache" "$view/own" "$tree/own" own
    rm "$view/own"
    unmount_view
  done
done
