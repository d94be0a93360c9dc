#!/bin/bash
# What mount.cvfs refuses, with which of mount(8)'s exit codes and what it says; and that nothing
# stays behind: no mount, no process, no file.
# shellcheck source-path=SCRIPTDIR source=../support/view_env.sh
source "$(dirname "$0")/../support/view_env.sh"

readonly tree=$T/containerdata/user-toto
readonly containerdata=containerdata=$T/containerdata

# What a refusal must leave as it was.
state() {
  cat /proc/self/mountinfo
  processes_named cvfsd
  find /run -xdev \( -path "$T/layers" -o -path "$T/log" \) -prune -o -printf '%p %y %m %U:%G\n'
  find "$T/containerdata" -xdev -printf '%p %y %m %U:%G %s\n'
}

refused() { # CODE REGEX COMMAND...
  local before after
  before=$(state)
  expect_fail "$@"
  after=$(state)
  [[ $before == "$after" ]] || fail "nothing stays behind" "$(diff <(echo "$before") <(echo "$after"))"
}

source_refused() { # REGEX SPEC
  refused 32 "$1" mount -t cvfs "$2" "$T/view" -o "$containerdata,userns=host"
}

options_refused() { # CODE REGEX OPTIONS [SPEC]
  refused "$1" "$2" mount -t cvfs "${4:-toto}" "$T/view" -o "$containerdata,$3"
}

target_refused() { # REGEX DIR
  refused 32 "$1" mount -t cvfs toto "$2" -o "$containerdata,userns=host"
}

echo "# a source that is missing, no directory, or malformed"
echo text >"$tree/file"
source_refused 'toto:/missing: no such directory' toto:/missing
source_refused 'toto:/missing/deep: no such directory' toto:/missing/deep
source_refused 'toto:/file: is not a directory' toto:/file
source_refused "the path after ':' must begin with '/'" toto:data
source_refused 'user-tata: no such tenant' tata:/data
source_refused "'1500' is not a tenant's name" 1500

source_refused "'' is not a tenant's name" :/data
source_refused 'contains a control character' $'toto:/a\nb'
source_refused '/etc: not below' /etc
refused 32 'the directory of all tenants does not exist' \
  mount -t cvfs toto "$T/view" -o "containerdata=$T/nowhere"

echo "# a source that leads out of the tenant's tree"
ln -s /etc "$tree/absolute"
ln -s ../user-titi "$tree/climbing"
ln -s /proc/self/root "$tree/magic"
ln -s loop "$tree/loop"
source_refused "must not contain '..'" toto:/..
source_refused "must not contain '..'" toto:/../user-titi
source_refused 'absolute: leads out' toto:/absolute
source_refused 'climbing: leads out' toto:/climbing
source_refused 'magic: leads out' toto:/magic
source_refused 'loop: passes a magic link' toto:/loop
# -c: mount(8) leaves the path as it is. Without, it resolves a path before cvfs sees it.
refused 32 "must not contain '..'" \
  mount -c -t cvfs "$tree/../user-titi" "$T/view" -o "$containerdata"
refused 32 'leads out' mount -c -t cvfs "$tree/climbing" "$T/view" -o "$containerdata"
ln -s ../user-titi "$tree/www"
refused 32 "leads out of the tenant's tree, to $T/containerdata/user-titi" \
  mount -t cvfs "$tree/www" "$T/view" -o "$containerdata"
echo "$tree/www $T/view cvfs $containerdata 0 0" >/etc/fstab
refused 32 "leads out of the tenant's tree" mount "$T/view"
rm "$tree/www" /etc/fstab
mkdir "$tree/proc"
mount -t proc proc "$tree/proc"
source_refused 'passes a magic link' toto:/proc/self/cwd
umount "$tree/proc"

echo "# a tenant that is none"
mkdir "$T/containerdata/user-boss"
ln -s user-toto "$T/containerdata/user-alias"
echo >"$T/containerdata/user-file"
source_refused 'user-boss: belongs to root' boss
source_refused 'user-alias: is a symlink' alias
source_refused 'user-file: is not a directory' file
rm -r "$T"/containerdata/user-{boss,alias,file}

echo "# a target"
echo >"$T/file"
mkdir "$T/busy"
mount -t tmpfs tmpfs "$T/busy"
target_refused 'missing: no such mount point' "$T/missing"
target_refused 'file: the mount point is not a directory' "$T/file"
target_refused 'busy: something is mounted here already' "$T/busy"
umount "$T/busy"
rm -r "$T/busy" "$T/file"

echo "# ids"
options_refused 32 'uidmap=0:100000: ranges consist of three' uidmap=0:100000
options_refused 32 'uidmap=a:b:c: "a" is not a number' uidmap=a:b:c
options_refused 32 'count of 0' uidmap=0:100000:0
options_refused 32 'ends behind the last id' uidmap=0:100000:4294967295
options_refused 32 "overlap on the container's side" uidmap=0:100000:10:5:200000:10
options_refused 32 "overlap on the host's side" uidmap=0:100000:10:10:100005:10
options_refused 32 'gidmap=.*overlap' uidmap=0:100000:10,gidmap=0:1:10:5:100:1
options_refused 32 'needs a uidmap=' gidmap=0:100000:10
options_refused 32 'excludes uidmap=' userns=host,uidmap=0:100000:10
options_refused 32 'no kind of user namespace' userns=docker
options_refused 32 'names no user' userns=@
options_refused 32 'no user "ghost"' userns=@ghost
options_refused 32 'userns=pid:4000000: no such process' userns=pid:4000000
options_refused 32 'is not the number of a process' userns=pid:self
add_user tata 1700 400000
sed -i '/^tata:/d' /etc/subuid
options_refused 32 'userns=@tata: no subordinate ids' userns=@tata
install -d -m 0700 -o 1700 -g 1700 "$T/containerdata/user-tata"
options_refused 32 'tata: no subordinate ids for uid 1700 in /etc/subuid' userns=host,owner=map tata
options_refused 32 'lies in the subordinate range' userns=host,storeuid=200001
docker_remaps_to ghost
options_refused 32 'daemon.json, userns-remap "ghost": no user' userns=auto
echo '{"userns-remap": default}' >/etc/docker/daemon.json
options_refused 32 'daemon.json: is not a JSON object' userns=auto
rm -r /etc/docker "$T/containerdata/user-tata"

echo "# options"
options_refused 1 'usrns=auto: no such option' usrns=auto
options_refused 1 'map=1000/100000: is an option of bindfs, not of cvfs' map=1000/100000
options_refused 1 'userns: needs a value' userns
# mount(8) itself takes ro=1 for ro.
refused 1 'ro=1: takes no value' /sbin/mount.cvfs toto "$T/view" -o ro=1
options_refused 1 'threads=0: not a number from 1 to 64' threads=0
options_refused 1 'cache=ttl:x: not auto, notify, none or ttl:SECONDS' cache=ttl:x
options_refused 1 'owner=root: not map, virtual or caller' owner=root
options_refused 1 'containerdata=srv: not an absolute path' containerdata=srv
for option in lower=/etc transport=io_uring; do
  options_refused 1 "$option: not available in this version" "$option"
done

echo "# the invocation"
refused 1 'DIR is required' /sbin/mount.cvfs toto
refused 1 'not expected' /sbin/mount.cvfs toto "$T/view" third
refused 1 'not expected' /sbin/mount.cvfs toto "$T/view" -q
refused 1 'nfs: not a type' /sbin/mount.cvfs toto "$T/view" -t nfs
refused 32 'cannot enter this mount namespace' /sbin/mount.cvfs toto "$T/view" -N 4000000

# Where the built programs are, others may not be allowed to go.
mkdir "$T/copy"
cp "$CVFS_BIN/mount.cvfs" "$T/copy/"
refused 1 'only root may mount' as_uid 1500 1500 "$T/copy/mount.cvfs" toto "$T/view"
chmod u+s "$T/copy/mount.cvfs"
refused 1 'must not be setuid' as_uid 1500 1500 "$T/copy/mount.cvfs" toto "$T/view"
chmod u-s "$T/copy/mount.cvfs"

echo "# a cvfsd that does not come to serve"
refused 2 'cvfsd: No such file' "$T/copy/mount.cvfs" toto "$T/view"
fake_cvfsd() { # SCRIPT
  printf '#!/bin/bash\n%s\n' "$1" >"$T/copy/cvfsd"
  chmod 755 "$T/copy/cvfsd"
}
fake_cvfsd 'kill -KILL $$'
refused 4 'cvfsd: ended without saying why \(Killed\)' "$T/copy/mount.cvfs" toto "$T/view"
fake_cvfsd 'exit 3'
refused 4 'exit code 3' "$T/copy/mount.cvfs" toto "$T/view"
printf '#!/nowhere\n' >"$T/copy/cvfsd"
refused 2 'cannot start it' "$T/copy/mount.cvfs" toto "$T/view"

fake_cvfsd 'exec sleep 30'
for signal in TERM INT; do
  # shellcheck disable=SC2016  # for the inner shell
  # env: a background process of this shell would not see SIGINT.
  refused 8 'interrupted' env --default-signal=INT bash -c '
    "$0" toto "$1" & mount=$!
    until pgrep -x sleep >/dev/null; do sleep 0.05; done
    kill -"$2" $mount
    wait $mount' "$T/copy/mount.cvfs" "$T/view" "$signal"
  check "SIG$signal ends cvfsd, too" eventually 2 bash -c '! pgrep -x sleep'
done
rm -r "$T/copy"

echo "# the machine"
mv /dev/fuse /dev/fuse-away
options_refused 2 '/dev/fuse' userns=host
mv /dev/fuse-away /dev/fuse

echo "# and what is right is not refused"
check "the same mount works" mount_view toto "$T/view" userns=host
check "and unmounts" unmount_view
