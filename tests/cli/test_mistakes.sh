#!/bin/bash
# The mistakes that operators make most, each with all that is said of it: tests/cli/golden/mistakes.txt. Whoever
# changes a message reads it there once more: CVFS_GOLDEN=write tests/cli/test_mistakes.sh writes it anew.
# shellcheck source-path=SCRIPTDIR source=../support/crash_env.sh
source "$(dirname "$0")/../support/crash_env.sh"

readonly golden=$CVFS_SOURCE/tests/cli/golden/mistakes.txt
readonly said=$T/mistakes.txt
containerdata=$T/containerdata
mistakes=0
PATH=$CVFS_BIN:$PATH
cd "$T" || exit 1
: >"$said"

# What is another one each time: where the test is, numbers of views and processes, times, versions of Linux.
steady() {
  sed -E -e "s#$T#/T#g" -e "s#\\(view $id\\)#(view N)#; s#view $id:#view N:#; s#/$id\\.sock#/N.sock#" \
    -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2}[ -][0-9:]{5,8}/DATE/g; s/removed-([a-z]+)-[0-9TZ:.-]+/removed-\1-DATE/g' \
    -e "s#$CVFS_BIN#/BIN#g; s/Linux [0-9]\\S*/Linux N/"
}
id=none

mistake() { # WHAT COMMAND...
  local code=0 text
  mistakes=$((mistakes + 1))
  text=$(COLUMNS=80 timeout 20 "${@:2}" 2>&1 </dev/null) || code=$?
  {
    printf '# %s\n$ %s\n' "$1" "${*:2}"
    [[ -z $text ]] || printf '%s\n' "$text"
    printf '=> %s\n\n' "$code"
  } | steady >>"$said"
  ((code != 0)) || fail "$1: is an error" "$text"
  grep -q '^  try: \|^      *try: ' <<<"$text" || fail "$1: says what to do next" "$text"
}

view=$T/view
mount_mistake() { # WHAT [SPEC [DIR [OPTIONS]]]
  mistake "$1" mount -t cvfs "${2:-toto:/}" "${3:-$view}" -o "containerdata=$containerdata,userns=host${4:+,$4}"
}
readonly -a as_user=(setpriv --reuid 1500 --regid 1500 --clear-groups --)
# Where the built programs are, others may not be allowed to go.
cp "$CVFS_BIN/cvfs" "$CVFS_BIN/mount.cvfs" "$T/"

# ---- words ---------------------------------------------------------------------------------------
mistake "a command that is none" cvfs stauts
mistake "an option that is none" cvfs status --jsno
mistake "no command's name at all" cvfs locks list
mistake "a setting's name without its value" cvfs set toto log
mistake "a page that is none" cvfs manual mount
mistake "a shell that has no completion" cvfs completion fish
mistake "an interval that is none" cvfs top --interval fast
mistake "two ways to show at once" cvfs metrics --http --json

# ---- rights and views ----------------------------------------------------------------------------
mistake "not root" "${as_user[@]}" "$T/cvfs" status
mistake "not root, and the machine's state" "${as_user[@]}" "$T/cvfs" doctor
mistake "not root, and mounts" "${as_user[@]}" "$T/mount.cvfs" toto:/ "$view"
mistake "a view that is not there" cvfs status /srv/toto
mistake "of a tenant without a view" cvfs locks titi
mount_view toto:/ "$view" userns=host
id=$(cvfs status --json toto | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["id"])')
mistake "a slip in a mount point" cvfs status "$T/veiw"
mistake "a number that is no view's" cvfs top 4294967295
mistake "a directory in a view" cvfs status "$view/data"
mount_mistake "mounted twice"
mistake "a setting that is settled at the mount" cvfs set toto owner virtual
mistake "a setting that is none" cvfs set toto lgo debug
mistake "a value that is none" cvfs set toto cache 5
mistake "a build that is none" cvfs upgrade toto --cvfsd /nowhere/cvfsd
mistake "a build that is another program" cvfs upgrade toto --cvfsd /bin/true
mistake "a file that is not there" cvfs explain "$view/missing"
mistake "a file that is in no view" cvfs explain /etc/passwd
mistake "a container that is none" cvfs explain "$view" --container 4000000
mistake "a tenant whose view is mounted is not removed" cvfs tenant remove toto --containerdata "$containerdata"
exec 9>"$view/busy"
mistake "a view that is in use is not read-only" mount -o remount,ro "$view"
exec 9>&-
eventually 5 standby
lose_view
mistake "a view whose processes were killed" cvfs status toto
mistake "and is upgraded" cvfs upgrade
mistake "and set" cvfs set toto log debug
mistake "and looked at with cvfs top" cvfs top --count 1 --interval 0.1
umount "$view"
mkdir -p /run/cvfs
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("/run/cvfs/77.sock")'
mistake "a stale socket" cvfs status 77
rm /run/cvfs/77.sock

# ---- tenants -------------------------------------------------------------------------------------
mistake "a tenant who is no user" cvfs tenant add tata --containerdata "$containerdata"
mistake "a number for a tenant" cvfs tenant add 1500 --containerdata "$containerdata"
mistake "root for a tenant" cvfs tenant add root --containerdata "$containerdata"
mistake "a tenant that is not there" cvfs tenant show tata --containerdata "$containerdata"
mistake "and is removed" cvfs tenant remove tata --containerdata "$containerdata"
mistake "purged without the name typed again" cvfs tenant remove titi --purge --containerdata "$containerdata"
touch "$T/file" && mkdir "$T/full" && touch "$T/full/data"
mistake "a mount point that is a file" cvfs tenant add titi --containerdata "$containerdata" --mountpoint "$T/file"
mistake "a mount point with data in it" cvfs tenant add titi --containerdata "$containerdata" --mountpoint "$T/full"

# ---- mounts --------------------------------------------------------------------------------------
mount_mistake "a tenant that is none, mounted" tata:/
mount_mistake "a slip in an option" toto:/ "$view" ower=map
mount_mistake "an option of another filesystem" toto:/ "$view" "map=1000/1001"
mount_mistake "a value that an option does not have" toto:/ "$view" cache=forever
mount_mistake "a path that is not there" toto:/data
mount_mistake "a path without its slash" toto:data
mount_mistake "a path that climbs out" toto:/../user-titi
mount_mistake "a directory that is not there to mount on" toto:/ "$T/missing"
mount_mistake "a file to mount on" toto:/ "$T/file"
mistake "ids that are none" mount -t cvfs toto:/ "$view" -o "containerdata=$containerdata,uidmap=0:100000"
mistake "a user without a range" mount -t cvfs toto:/ "$view" -o "containerdata=$containerdata,userns=@root"
mistake "no remount of what is not mounted" /sbin/mount.cvfs toto:/ "$view" -o remount,ro
mkdir -p /etc/cvfs && echo "cahce=none" >/etc/cvfs/cvfs.conf
mount_mistake "a slip in the machine's defaults"
rm /etc/cvfs/cvfs.conf
mv /dev/fuse /dev/fuse-away
mount_mistake "no /dev/fuse"
mv /dev/fuse-away /dev/fuse

# ---- what stands in the file ---------------------------------------------------------------------
check "there are forty of them" test "$mistakes" -ge 40
if [[ ${CVFS_GOLDEN:-} == write ]]; then
  cp "$said" "$golden"
  ok "written: $golden"
else
  check "all that is said is what stands in the file" diff -u "$golden" "$said"
fi
cd / || exit 1
