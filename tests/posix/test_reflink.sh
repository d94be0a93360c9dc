#!/bin/bash
# Copies within a view share their blocks where the backing filesystem can: copy_file_range(2), which cp(1)
# and others call, reaches the backing as one. xfs here; BACKING=btrfs does as well.
: "${BACKING:=xfs}"
# shellcheck source-path=SCRIPTDIR source=../support/view_env.sh
source "$(dirname "$0")/../support/view_env.sh"
use_test_programs

tree=$T/containerdata/user-toto
view=$T/view
[[ $BACKING == xfs || $BACKING == btrfs ]] || skip "$BACKING has no reflinks"
chmod 0711 "$tree"

shared_extents() { filefrag -v "$1" 2>/dev/null | grep -c shared; }
copy_range() { # FROM TO
  in_container 1000:1000 python3 -c '
import os, sys
source = os.open(sys.argv[1], os.O_RDONLY)
target = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
left = os.fstat(source).st_size
while left > 0:
    left -= os.copy_file_range(source, target, left)
' "$1" "$2"
}

for options in passthrough=auto passthrough=off owner=virtual; do
  mount_view toto "$view" "userns=@dockremap,$options"
  chmod 0711 "$view"
  in_container 0 mkdir -m 1777 "$view/d"
  in_container 1000:1000 dd if=/dev/urandom of="$view/d/f" bs=1M count=64 status=none
  sync -f "$view/d/f"
  before=$(df --output=used -k "$T/containerdata" | tail -n 1)
  check "$options: a file of 64 MiB is copied" copy_range "$view/d/f" "$view/d/copy"
  sync -f "$view/d/copy"
  after=$(df --output=used -k "$T/containerdata" | tail -n 1)
  check "$options: the copy is the same" cmp "$view/d/f" "$view/d/copy"
  check "$options: it takes less than 1 MiB more ($((after - before)) KiB)" test $((after - before)) -lt 1024
  check "$options: on disk they share blocks" test "$(shared_extents "$tree/d/copy")" -gt 0
  check "$options: writing to one leaves the other" in_container 1000:1000 sh -c \
    "cp $view/d/f $view/d/before; printf x | dd of=$view/d/copy conv=notrunc status=none; cmp $view/d/f $view/d/before && ! cmp -s $view/d/f $view/d/copy"
  in_container 0 rm -r "$view/d"
  unmount_view
done
