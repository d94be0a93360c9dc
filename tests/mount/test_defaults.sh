#!/bin/bash
# /etc/cvfs/cvfs.conf: what every view of the machine is to have, unless its mount says otherwise.
# shellcheck source=../support/view_env.sh
source "$(dirname "$0")/../support/view_env.sh"

readonly conf=/etc/cvfs/cvfs.conf
mkdir -p /etc/cvfs
defaults() { printf '%s\n' "$@" >"$conf"; }
field() { "$CVFS_BIN/cvfs" status --json "$T/view" | python3 -c 'import json, sys; print(json.load(sys.stdin)[0][sys.argv[1]])' "$1"; }

defaults "# of all views" "" "containerdata = $T/containerdata" userns=@dockremap cache=none
check "a view is mounted where the file says that the tenants are" mount -t cvfs toto:/ "$T/view"
equal "with the file's userns=" @dockremap "$(field userns)"
equal "its cache=" none "$(field cache)"
defaults "what is wrong there is no matter of a view that is mounted"
check "it is remounted" mount -o remount,ro "$T/view"
unmount_view

defaults containerdata=/nowhere userns=@dockremap cache=none
check "what a mount says wins" mount -t cvfs toto:/ "$T/view" -o "containerdata=$T/containerdata,uidmap=0:200000:65536,cache=ttl:3"
equal "of the map" uidmap "$(field userns)"
equal "and the rest" ttl:3.0 "$(field cache)"
unmount_view

defaults "containerdata=$T/containerdata" "" "usrns=auto"
expect_fail 1 "^mount.cvfs: $conf:3: usrns=auto: no such option$" mount -t cvfs toto:/ "$T/view"
expect_fail 1 "^cvfs: $conf:3: usrns=auto: no such option$" "$CVFS_BIN/cvfs" tenant list
check "doctor says it, too" grep -q "$conf:3: usrns=auto" <("$CVFS_BIN/cvfs" doctor)
defaults "containerdata=$T/containerdata"
equal "cvfs finds the tenants" "titi toto" "$("$CVFS_BIN/cvfs" tenant list | awk 'NR > 1 { print $1 }' | xargs)"
equal "and --containerdata wins" "no tenants" "$("$CVFS_BIN/cvfs" tenant list --containerdata /mnt)"
check "one is added there" "$CVFS_BIN/cvfs" tenant add dockremap
check "as its tree shows" test -d "$T/containerdata/user-dockremap"
check "and removed" "$CVFS_BIN/cvfs" tenant remove dockremap
rm -r /etc/cvfs
