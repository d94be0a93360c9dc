#!/bin/bash
# The processes of a view: what a container can do to them, what ioctls reach them, and what a worker has
# given up (docs/security.md).
# shellcheck source-path=SCRIPTDIR source=../support/escape_env.sh
source "$(dirname "$0")/../support/escape_env.sh"

readonly attempts=$CVFS_SOURCE/tests/escape/attempts.py

mount_view toto "$view" userns=@dockremap
chmod 0711 "$view"
in_container 0 mkdir -m 1777 "$view/d"
in_container 1000 sh -c "echo text >$view/d/f"
supervisor=$(processes_named cvfsd | head -n 1)
worker=$(processes_named cvfsd-worker)

class "the view's processes by /proc and by signals (CVE-2019-5736, CVE-2024-21626)"
for uid in 0 1000; do
  equal "$uid gets at neither the supervisor nor the worker" "" \
    "$(in_container "$uid" python3 "$attempts" processes "$supervisor" "$worker" | grep -w ok)"
done

class "ioctls that would be made on the backing filesystem with root's rights"
for uid in 0 1000; do
  for file in d/f d; do
    equal "$uid on $file: none is answered" "" "$(in_container "$uid" python3 "$attempts" ioctls "$view/$file" | grep -w ok)"
  done
done
equal "nor to the host's root, but where a block is" "FIBMAP" "$(python3 "$attempts" ioctls "$view/d/f" | sed -n 's/ ok$//p' | grep -v FIBMAP; echo FIBMAP)"
equal "the backing filesystem goes on" text "$(cat "$tree/d/f")"
chmod 0666 /dev/fuse # here, as an engine may give it to a container
equal "a container with /dev/fuse registers no backing file of its own" EPERM \
  "$(in_container 0 python3 "$attempts" fuse_backing_open)"

class "what the worker has given up"
field() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"; }
has_capability() { ((0x$(field "$1" "$2") >> $3 & 1)); } # PID SET NUMBER
is_sanitized() { nm -D "$CVFS_BIN/cvfsd" 2>/dev/null | grep -qE '__(a|t)san_init'; }
for name_number in SYS_MODULE:16 SYS_RAWIO:17 SYS_BOOT:22 NET_ADMIN:12 NET_RAW:13 KILL:5 MKNOD:27 SYS_TIME:25 \
  AUDIT_CONTROL:30 SYSLOG:34 BPF:39 PERFMON:38; do
  for set in CapEff CapPrm CapBnd CapInh CapAmb; do
    ! has_capability "$worker" "$set" "${name_number#*:}" || fail "the worker has no CAP_${name_number%:*} in $set"
  done
done
ok "none of twelve capabilities is in any set of the worker"
for task in "/proc/$worker/task"/*; do
  equal "thread ${task##*/}: what it has is in the bounding set" 0 \
    "$((0x$(field "$worker/task/${task##*/}" CapPrm) & ~0x$(field "$worker" CapBnd)))"
  is_sanitized || equal "and it is under the filter" '2 1' \
    "$(field "$worker/task/${task##*/}" Seccomp) $(field "$worker/task/${task##*/}" NoNewPrivs)"
done

class "another worker is confined as the first was"
kill -KILL "$worker"
equal "the view goes on" text "$(cat "$view/d/f")"
worker=$(processes_named cvfsd-worker)
is_sanitized || equal "under the filter" 2 "$(field "$worker" Seccomp)"
nothing_gained
