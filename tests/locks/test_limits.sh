#!/bin/bash
# More locks and waits than a view can have are refused with ENOLCK; nobody gets what is somebody else's,
# and afterwards all is as before.
# shellcheck source-path=SCRIPTDIR source=../support/lock_env.sh
source "$(dirname "$0")/../support/lock_env.sh"

limits() { timeout 100 python3 "$CVFS_SOURCE/tests/support/lock_limits.py" "$@" 2>&1; }

# An eighth of 4,096 descriptors may be for owners of locks: 512.
mkdir -p "$T/view"
(ulimit -n 4096 && mount_view toto "$T/view")
mkdir "$VIEW"
chmod 0777 "$T/view" "$VIEW"
: >"$VIEW/f"
equal "who is one too many gets ENOLCK, and can lock when others are gone" \
  "188 ENOLCK, 512 ok / who was refused holds nothing: ok / afterwards: ok" "$(limits owners "$VIEW/f" | paste -sd/ | sed 's,/, / ,g')"
unmount_view

mount_lock_views ''
: >"$VIEW/f"
equal "of 600 that wait for the host 512 do" \
  "88 ENOLCK / 88 ENOLCK, 512 ok / granted too early: [] / afterwards: ok" \
  "$(limits waits "$VIEW/f" "$HOST/f" | paste -sd/ | sed 's,/, / ,g')"
