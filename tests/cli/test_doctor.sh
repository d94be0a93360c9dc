#!/bin/bash
# cvfs doctor: a machine that is well, and each thing that can be wrong with it, with what mends it.
# shellcheck source-path=SCRIPTDIR source=../support/crash_env.sh
source "$(dirname "$0")/../support/crash_env.sh"

readonly cvfs=$CVFS_BIN/cvfs
mkdir -p "$T/empty"

doctor() { timeout 60 "$cvfs" doctor --containerdata "$T/containerdata" "$@"; }
code() { "$@" >/dev/null 2>&1; echo $?; }
# "SEVERITY: WHAT => MEND" of the findings of a check.
found() { # CHECK
  doctor --json | python3 -c 'import json, sys
for f in json.load(sys.stdin):
    if f["check"] == sys.argv[1]: print(f["severity"] + ": " + f["what"] + " => " + f["mend"])' "$1"
}
finds() { # SENTENCE CHECK TEXT
  local all
  all=$(found "$2")
  if [[ $all == *"$3"* ]]; then ok "$1"; else fail "$1" "expected: $3" "got: $all"; fi
}
fstab() { printf '%s\n' "$1" >/etc/fstab; }

echo "# a machine that is well"
: >/etc/fstab
docker_remaps_to dockremap
mount_view toto "$T/view" userns=auto
equal "nothing is to be mended" 0 "$(code doctor)"
equal "and that is said" "nothing to mend" "$(doctor | tail -n 1 | cut -d, -f2 | cut -c2-)"
finds "the view and what it got of FUSE" views "ok: $T/view serves: FUSE 7."
finds "Docker's map" docker "ok: remaps to 0:100000:65536, docker (dockremap)"
finds "and that the view has it" docker "ok: $T/view has the map of Docker's containers"
finds "the kernel" kernel "ok: Linux"
finds "the programs" programs "ok: mount.cvfs and cvfsd"
finds "the tenants" tenants "ok: 2 sound in $T/containerdata"
check "--all shows what is in order" bash -c "'$cvfs' doctor --all --containerdata '$T/containerdata' | grep -q '^ok  kernel: Linux'"

echo "# maps"
unmount_view "$T/view"
mount_view toto "$T/view" userns=@titi
finds "a view with another map than Docker's" docker "warning: $T/view maps 0:300000:65536, Docker's containers have 0:100000:65536 (docker (dockremap))"
equal "is a warning" 32 "$(code doctor)"
unmount_view "$T/view"
echo '{"userns-remap": "nobody-here"}' >/etc/docker/daemon.json
finds "a remapping to nobody" docker 'error: /etc/docker/daemon.json, userns-remap "nobody-here": no user'
echo '{' >/etc/docker/daemon.json
finds "a daemon.json that is none" docker "error: /etc/docker/daemon.json: is not a JSON object => python3 -m json.tool"
rm /etc/docker/daemon.json
finds "no remapping" docker "note: no userns-remap"
docker_remaps_to dockremap

echo "# ids and tenants"
echo "tata:265000:65536" >>/etc/subuid
finds "ranges that overlap" ids "error: /etc/subuid: toto:200000:65536 and tata:265000:65536 share ids: who has the one can read the other's files => usermod --del-subuids 265000-330535 tata"
sed -i '/^tata/d' /etc/subuid
chmod 0777 "$T/containerdata"
finds "trees that anybody can exchange" tenants "error: $T/containerdata: others than root may write here"
chmod 0711 "$T/containerdata"
install -d "$T/containerdata/user-tata"
finds "a tree of root's" tenants "error: tata: belongs to root, and no view can be mounted"
rmdir "$T/containerdata/user-tata"

echo "# fstab"
fstab "toto:/ $T/fresh cvfs containerdata=$T/containerdata,usersn=auto 0 0"
finds "an option that is none" fstab "error: $T/fresh: usersn=auto: no such option => userns=auto"
finds "a mount point that is missing" fstab "error: $T/fresh: the mount point does not exist => cvfs tenant add toto --mountpoint $T/fresh"
fstab "tata:/ $T/empty cvfs containerdata=$T/containerdata 0 0"
finds "a tenant that is none" fstab "user-tata: no such tenant"
fstab "toto $T/empty cvfs containerdata=$T/containerdata 0 0"
finds "a source that could be a file" fstab "note: $T/empty: mount(8) takes the source toto for a file of that name, if there is one => toto:/ as the source"
finds "a view that is not mounted" fstab "warning: $T/empty: is not mounted => mount $T/empty"
finds "a mount point that collects data" fstab "warning: $T/empty: can be written to while nothing is mounted there"
chmod 0 "$T/empty"
equal "but not one of mode 0000" "" "$(found fstab | grep 'can be written')"
if command -v dockerd >/dev/null; then
  finds "an engine that does not wait" fstab "Docker does not wait for it at boot: containers may start before, and write below it => x-systemd.before=docker.service"
  fstab "toto:/ $T/empty cvfs x-systemd.before=docker.service,containerdata=$T/containerdata 0 0"
  equal "but not one that does" "" "$(found fstab | grep 'does not wait')"
fi
touch "$T/file"
fstab "toto:/ $T/file cvfs containerdata=$T/containerdata 0 0"
finds "a file where a directory is meant" fstab "error: $T/file: the mount point is a file, where a directory is meant"
: >/etc/fstab

echo "# views"
mount_view toto "$T/view" userns=auto
eventually 5 standby
lose_view
finds "a dead view" views "error: $T/view: its processes are gone => umount $T/view, and mount it again"
umount "$T/view"

echo "# programs"
rm /sbin/mount.cvfs
finds "no helper for mount(8)" programs "error: /sbin/mount.cvfs is missing: mount -t cvfs does not find it"
equal "is an error" 32 "$(code doctor)"
ln -s "$CVFS_BIN/mount.cvfs" /sbin/mount.cvfs
expect_fail 1 "only root" as_uid 1500 1500 "$cvfs" doctor
expect_fail 1 "--jsn: no such option" "$cvfs" doctor --jsn
