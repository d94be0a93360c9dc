#!/bin/bash
# cvfs explain: what it says may be done is what the kernel lets a container do, for each policy; who
# owns what; and what it says to mistakes.
# shellcheck source-path=SCRIPTDIR source=../support/view_env.sh
source "$(dirname "$0")/../support/view_env.sh"

readonly tree=$T/containerdata/user-toto
readonly cvfs=$CVFS_BIN/cvfs
readonly probe=$CVFS_SOURCE/tests/support/probe_access.py
start_container

explain() { "$cvfs" explain "$@"; }
refused() { expect_fail "$1" "$2" explain "${@:3}"; }
value() { python3 -c 'import json, sys; print(eval("json.load(sys.stdin)" + sys.argv[1]))' "$1"; }

# On disk: files and directories of each kind, by host ids through the view.
furnish() {
  local name
  for name in 0640 0604 0060 0755 0000; do
    touch "$T/view/f$name" && chown 101000:100000 "$T/view/f$name" && chmod "$name" "$T/view/f$name"
    mkdir "$T/view/d$name" && chown 101000:102000 "$T/view/d$name" && chmod "$name" "$T/view/d$name"
  done
  mkdir "$T/view/sticky" "$T/view/closed" && touch "$T/view/sticky/others" "$T/view/sticky/own" "$T/view/closed/file"
  chmod 1777 "$T/view/sticky" && chmod 0666 "$T/view/closed/file" && chmod 0700 "$T/view/closed"
  chown 101000 "$T/view/sticky/own" && chown 102000 "$T/view/sticky/others"
  mkdir "$T/view/fresh"
  if [[ $1 != caller ]]; then
    touch "$T/view/acl" "$T/view/masked" "$T/view/nomask" "$T/view/groups"
    chmod 0600 "$T/view/"{acl,masked,nomask,groups}
    setfacl -m u:102000:rw "$T/view/acl"
    setfacl -m u:102000:rw,m::r "$T/view/masked"
    setfacl -m u:102000:r,m::- "$T/view/nomask" && chmod o+rw "$T/view/nomask"
    setfacl -m g:102000:r,g:100000:w,m::rw "$T/view/groups"
  fi
  # The host's root made these: no id of the view's.
  touch "$tree/roots" && chmod 0666 "$tree/roots"
  mkdir "$tree/rootdir" && chmod 0777 "$tree/rootdir"
}

paths() { find "$T/view" -mindepth 1 -printf '%y:%p\n' | sort; } # f:PATH, d:PATH

# Of explain, for one asker; the same words as the probe's.
explained() { # UID GID PATHS...
  local path
  for path in "${@:3}"; do explain "${path#*:}" --uid "$1" --gid "$2" --json; done |
    python3 -c 'import json, sys
text = sys.stdin.read()
while text.strip():
    e, end = json.JSONDecoder().raw_decode(text)
    text = text[end:].lstrip()
    print(json.dumps({"path": e["path"], "access": {k: v["allowed"] for k, v in e["access"].items()}}, sort_keys=True))'
}

compare() { # POLICY
  mount_view toto "$T/view" "userns=@dockremap,owner=$1,cache=none" || { fail "a view with owner=$1"; return; }
  furnish "$1"
  chmod 0711 "$tree"
  local -a all
  mapfile -t all < <(paths)
  local ids
  for ids in 0:0 1000:0 2000:2000 3000:0; do
    equal "owner=$1: what $ids may do is what the kernel lets it do" \
      "$(in_container "$ids" "$probe" "${all[@]}" 2>&1)" "$(explained "${ids%:*}" "${ids#*:}" "${all[@]}" 2>&1)"
  done
  equal "owner=$1: nothing was changed" "" "$(find "$T/view" -name '*probe*')"
  unmount_view "$T/view"
  find "$tree" -mindepth 1 -delete
}

for policy in map virtual caller; do compare "$policy"; done

echo "# in words"
mount_view toto "$T/view" userns=@dockremap,owner=map
# Not 0755: that would be a fresh volume.
mkdir -m 0750 "$T/view/data" && touch "$T/view/data/file"
chown 101000 "$T/view/data/file" && chmod 0640 "$T/view/data/file" && chmod 0755 "$T/view/data"
id=$("$cvfs" status --json | value '[0]["id"]')
equal "a file that others may not read" "$T/view/data/file: a file of toto (view $id)
  in the container  uid 1000, gid 0, mode 0640
  on the host       uid 101000, gid 100000
  on disk           uid 200999, gid 1500, mode 0640: $tree/data/file
  through           container to disk 1:200000:65536 (owner=map); container to host 0:100000:65536 (userns @dockremap)
Who asks: uid 2000, gid 2000 in the container (uid 102000, gid 102000 on the host)
  read    no  the others' bits of mode 0640 do not allow it
  write   no  the others' bits of mode 0640 do not allow it
  run     no  the others' bits of mode 0640 do not allow it
  remove  no  of its directory: the others' bits of mode 0755 do not allow it
What would change it:
  setfacl -m u:102000:rw $T/view/data/file
  setfacl -m u:102000:rwx $T/view/data
  chown 102000 $T/view/data/file (makes it the owner)" "$(explain "$T/view/data/file" --uid 2000 --gid 2000)"
changes() { explain "$@" --json | value '["changes"]'; }
explain "$T/view/data/file" --uid 2000 --gid 2000 --json |
  python3 -c 'import json, sys; print("\n".join(c.split(" (")[0] for c in json.load(sys.stdin)["changes"] if "chown" not in c))' >"$T/changes"
check "what would change it" bash -e "$T/changes"
equal "changes it" "True True True" "$(explain "$T/view/data/file" --uid 2000 --gid 2000 --json |
  value '["access"]["read"]["allowed"]') $(explain "$T/view/data/file" --uid 2000 --gid 2000 --json |
  value '["access"]["write"]["allowed"]') $(explain "$T/view/data/file" --uid 2000 --gid 2000 --json | value '["access"]["remove"]["allowed"]')"
check "for the kernel, too" in_container 2000:2000 bash -c "cat '$T/view/data/file' && mv '$T/view/data/file' '$T/view/data/g' && mv '$T/view/data/g' '$T/view/data/file'"
equal "an ACL entry is named" "the ACL entry user:102000:rw- allows it" \
  "$(explain "$T/view/data/file" --uid 2000 --gid 2000 --json | value '["access"]["read"]["why"]')"
equal "a host's user is a stranger" "who asks has no id in the view's maps: it is a stranger there" \
  "$(explain "$T/view/data" --uid 1500 --gid 1500 --host --json | value '["notes"][0]')"
if chattr +i "$tree/data/file"; then
  equal "an immutable file" "it is immutable (chattr +i)" \
    "$(explain "$T/view/data/file" --json | value '["access"]["write"]["why"]')"
  equal "and its remedy" "chattr -i -a $tree/data/file (on disk)" "$(changes "$T/view/data/file" | grep -o 'chattr[^'"'"']*')"
  chattr -i "$tree/data/file"
fi

echo "# a container"
mkdir -p "$T/root/volume"
nsenter --target "$container" --user --setuid 0 --setgid 0 -- unshare --mount --propagation private \
  setpriv --reuid 1000 --regid 0 --clear-groups sleep infinity &
process=$!
is_asleep() { [[ $(cat "/proc/$process/comm") == sleep ]]; }
eventually 5 is_asleep
nsenter --target "$process" --mount mount --bind "$T/view/data" "$T/root/volume"
nsenter --target "$process" --mount mount -o remount,bind,ro "$T/root/volume"
equal "is found by a process: its path, its ids, its mount" "$T/view/data/file 101000 the mount is read-only ['start the container without :ro on $T/root/volume']" \
  "$(explain "$T/root/volume/file" --container "$process" --json |
    python3 -c 'import json, sys; e = json.load(sys.stdin); print(e["path"], e["asker"]["uid"], e["access"]["write"]["why"], e["changes"][:1])')"
kill "$process"
wait "$process" 2>/dev/null

echo "# mistakes"
refused 32 "$T/view/dta: there is no such file" "$T/view/dta"
refused 32 "there is no such file" "$T/view/data/file2"
refused 32 "is on no view" /etc/passwd
refused 32 "user-toto/data/file: is on no view" "$tree/data/file"
equal "a path on disk is answered with the view's" "  try: cvfs explain $T/view/data/file" "$(explain "$tree/data/file" 2>&1 | tail -n 1)"
ln -s data "$tree/link"
refused 32 "is a symlink to data" "$T/view/link/file"
refused 1 "nobody can have this id there: the view has 0:100000:65536" "$T/view/data" --uid 70000
refused 1 "PATH is required" --uid 1
refused 1 "uidd: no such option" "$T/view" --uidd 1
refused 32 "no such process" "$T/view" --container 99999
refused 32 "nosuch: (docker is not installed|.*No such|.*Cannot connect)" "$T/view" --container nosuch
expect_fail 1 "only root" as_uid 1500 1500 "$cvfs" explain "$T/view"
kill -STOP "$(processes_named cvfsd-worker)"
equal "a view whose worker hangs is explained" 1500 "$(timeout 10 "$cvfs" explain "$T/view/data" --json | value '["owner"]["disk"]["uid"]')"
kill -CONT "$(processes_named cvfsd-worker)"
