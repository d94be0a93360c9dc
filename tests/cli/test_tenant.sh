#!/bin/bash
# cvfs tenant: what add makes, that it can be interrupted and run again, what it refuses, and that
# remove deletes nothing that was not named twice.
# shellcheck source-path=SCRIPTDIR source=../support/view_env.sh
source "$(dirname "$0")/../support/view_env.sh"

readonly data=$T/containerdata
readonly srv=$T/containerdata/srv # on a filesystem that knows immutable directories

tenant() { "$CVFS_BIN/cvfs" tenant "$1" --containerdata "$data" "${@:2}"; }
what_is() { stat -c '%u:%g %a %F' "$@"; }
refused() { expect_fail "$1" "$2" tenant "${@:3}"; }
add_plain_user() { # NAME UID
  echo "$1:x:$2:$2::/nonexistent:/bin/false" >>/etc/passwd
  echo "$1:x:$2:" >>/etc/group
}
flags_of() { lsattr -d "$1" | cut -d' ' -f1; }

echo "# add"
add_plain_user tata 1700
equal "what add says" "tata
  user             tata (1700:1700)
  tree             $data/user-tata (new)
  subordinate ids  365536:65536 (new)
  mount point      $srv/tata (mode 0000, immutable)
  next: mount -t cvfs tata:/ $srv/tata -o containerdata=$data" "$(tenant add tata --mountpoint "$srv/tata" 2>&1)"
equal "the tree is the user's alone" "1700:1700 700 directory" "$(what_is "$data/user-tata")"
equal "the range is the first that nobody has" "tata:365536:65536" "$(grep tata /etc/subuid)"
equal "the same for groups" "tata:365536:65536" "$(grep tata /etc/subgid)"
equal "the mount point is closed" "0:0 0 directory" "$(what_is "$srv/tata")"
equal "and immutable" "i" "$(flags_of "$srv/tata" | tr -d -- -e)"
check "root cannot write there either" bash -c "! touch '$srv/tata/file' 2>/dev/null"
check "a view can be mounted on it" mount_view tata:/ "$srv/tata" userns=@dockremap
check "and serves" touch "$srv/tata/file"
rm "$srv/tata/file"
check "and is unmounted" unmount_view "$srv/tata"
check "then it is closed again" bash -c "! touch '$srv/tata/file' 2>/dev/null"

echo "# add once more"
before=$(cat /etc/subuid /etc/subgid)
equal "nothing changes" "tata
  user             tata (1700:1700)
  tree             $data/user-tata (was there)
  subordinate ids  365536:65536
  mount point      $srv/tata (mode 0000, immutable)
  next: mount -t cvfs tata:/ $srv/tata -o containerdata=$data" "$(tenant add tata --mountpoint "$srv/tata" 2>&1)"
equal "and no id was given twice" "$before" "$(cat /etc/subuid /etc/subgid)"
equal "as JSON" "false 365536 true" "$(tenant add tata --mountpoint "$srv/tata" --json |
  python3 -c 'import json, sys; a = json.load(sys.stdin); print(str(a["is_new"]).lower(), a["subuids"][0]["start"], str(a["mountpoint"]["immutable"]).lower())')"

echo "# an add that was interrupted"
add_plain_user tutu 1701
mkdir "$data/.new-tutu"
usermod --add-subuids 500000-565535 tutu
check "goes on where it was" tenant add tutu
equal "with the same range for groups" "tutu:500000:65536" "$(grep tutu /etc/subgid)"
check "nothing half done is left" bash -c "! ls -d '$data'/.new* 2>/dev/null"
add_plain_user tete 1702
# Killed at any moment: what is left is a whole tenant or none, and add does the rest.
for delay in 0.001 0.003 0.005 0.01 0.02 0.04; do
  timeout -s KILL "$delay" "$CVFS_BIN/cvfs" tenant add tete --containerdata "$data" --mountpoint "$srv/tete" >/dev/null 2>&1
done
rm -f /etc/subuid.lock /etc/subgid.lock /etc/passwd.lock /etc/group.lock /etc/shadow.lock /etc/gshadow.lock
check "killed six times and run again" tenant add tete --mountpoint "$srv/tete"
equal "there is one range" "1 1" "$(grep -c tete /etc/subuid) $(grep -c tete /etc/subgid)"
equal "and the tree" "1702:1702 700 directory" "$(what_is "$data/user-tete")"
for name in a b c d; do add_plain_user "many$name" "171$((++number))"; done
adders=()
for name in a b c d; do
  tenant add "many$name" >/dev/null &
  adders+=($!)
done
wait "${adders[@]}"
equal "four at once have four ranges" 4 "$(grep many /etc/subuid | cut -d: -f2 | sort -u | wc -l)"

echo "# mistakes"
refused 1 "../x: is not a tenant's name" add ../x
refused 1 "1500: is not a tenant's name" add 1500
refused 32 "nobody-here: no such user" add nobody-here
refused 32 "root: is root" add root
expect_fail 1 "tenant: which of its commands" "$CVFS_BIN/cvfs" tenant
expect_fail 1 "ad: no such command" "$CVFS_BIN/cvfs" tenant ad toto
expect_fail 1 "NAME is required" "$CVFS_BIN/cvfs" tenant add
expect_fail 1 "--mountpiont: no such option" "$CVFS_BIN/cvfs" tenant add toto --mountpiont /srv
expect_fail 1 "only root" as_uid 1500 1500 "$CVFS_BIN/cvfs" tenant list
add_plain_user titi2 1703
install -d -o 1500 -g 1500 "$data/user-titi2"
refused 32 "is there, and belongs to 1500:1500, not to titi2" add titi2
rmdir "$data/user-titi2" && ln -s /etc "$data/user-titi2"
refused 32 "is a symlink" add titi2
rm "$data/user-titi2"
echo "titi2:300000:10" >>/etc/subuid
refused 32 "the lines titi:300000:65536 and titi2:300000:10 share ids" add titi2
sed -i '/^titi2/d' /etc/subuid
mkdir -p "$srv/full" && touch "$srv/full/data"
refused 32 "full: is not empty" add titi2 --mountpoint "$srv/full"
check "a refused mount point leaves no tenant" test ! -e "$data/user-titi2"
touch "$srv/file"
refused 32 "is not a directory|Not a directory" add titi2 --mountpoint "$srv/file"
mkdir "$srv/busy" && mount -t tmpfs tmpfs "$srv/busy"
refused 32 "something is mounted here" add titi2 --mountpoint "$srv/busy"
umount "$srv/busy"
chmod 0777 "$data"
refused 32 "others than root may write here" add titi2
chmod 0755 "$data"
equal "a parent that lists the tenants is said" "cvfs: note: $data has the mode 0755: everybody can list the tenants; chmod 0711 $data" \
  "$(tenant add titi2 --no-subids 2>&1 >/dev/null)"
chmod 0711 "$data"
equal "without subordinate ids" virtual "$(tenant show titi2 --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["owner"])')"
usermod=$(command -v usermod)
mkdir "$T/no-usermod"
mount --bind "$T/no-usermod" "$T/no-usermod"
mount --bind /dev/null "$usermod"
add_plain_user tyty 1705
refused 2 "usermod: (is not installed|cannot be run)" add tyty
umount "$usermod" && umount "$T/no-usermod"
sed -i '/SUB_UID_MAX/d' /etc/login.defs && echo "SUB_UID_MAX 100001" >>/etc/login.defs
refused 32 "no 65536 ids are free" add tyty
check "a refused one leaves no tenant" test ! -e "$data/user-tyty"

echo "# list and show"
equal "list" "TENANT USER SUBORDINATE IDS OWNER VIEWS FAULTS
tata tata 365536:65536 map - -" "$(tenant list | tr -s ' ' | sed -n '1p;/^tata /p')"
mount_view titi:/ "$T/view" userns=@dockremap
equal "a view is listed" "titi titi 300000:65536 map $T/view -" "$(tenant list | tr -s ' ' | grep '^titi ')"
equal "show" "titi
  tree             $data/user-titi
  user             titi (1600:1600)
  mode             0700
  subordinate ids  300000:65536
  owner=           map" "$(tenant show titi | grep -v view)"
refused 32 "user-tita: no such tenant" show tita
chown 0:0 "$data/user-titi2"
equal "faults" "belongs to root, and no view can be mounted, has root's group, and no view can be mounted" \
  "$(tenant list --json | python3 -c 'import json, sys; print(", ".join(next(t for t in json.load(sys.stdin) if t["name"] == "titi2")["faults"]))')"
expect_fail 32 "the directory of all tenants does not exist" "$CVFS_BIN/cvfs" tenant list --containerdata "$T/nowhere"

echo "# remove"
refused 32 "titi: a view of it is mounted on $T/view" remove titi
refused 32 "titi: a view of it is mounted on $T/view" remove titi --purge
unmount_view "$T/view"
echo precious >"$data/user-tata/file"
before=$(find "$data" | wc -l)
removed=$(tenant remove tata 2>/dev/null)
kept=$(sed -n 's/^  to undo: mv \([^ ]*\) .*/\1/p' <<<"$removed")
equal "nothing is deleted" "precious $before" "$(cat "$kept/file") $(find "$data" | wc -l)"
check "no view of it can be mounted" bash -c "! mount -t cvfs tata:/ '$T/view' -o containerdata='$data' 2>/dev/null"
refused 32 "no such tenant" remove tata
check "it can be undone" bash -c "$(sed -n 's/^  to undo: //p' <<<"$removed")"
equal "as it was" precious "$(cat "$data/user-tata/file")"
equal "one that is empty is gone" "tutu: removed; there was no data" "$(tenant remove tutu 2>/dev/null)"
check "without a trace" test ! -e "$data/user-tutu"

echo "# remove --purge"
purge() { printf '%s\n' "$1" | tenant remove tata --purge "${@:2}" 2>/dev/null; }
equal "not without the name" 1 "$(purge "" >/dev/null; echo $?)"
equal "nor with yes" 1 "$(purge y >/dev/null; echo $?)"
equal "nor with another name" 1 "$(purge titi >/dev/null; echo $?)"
equal "all is there" precious "$(cat "$data/user-tata/file")"
tenant remove tata >/dev/null 2>&1
tenant add tata >/dev/null
mkdir -p "$T/outside" && touch "$T/outside/file"
ln -s "$T/outside" "$data/user-tata/link"
(cd "$data/user-tata" && for _ in {1..600}; do mkdir deep && cd deep && touch file || exit; done)
mkdir "$data/user-tata/mounted" && mount -t tmpfs tmpfs "$data/user-tata/mounted"
expect_fail 2 "cannot be deleted: Device or resource busy" bash -c "echo tata | '$CVFS_BIN/cvfs' tenant remove tata --purge --containerdata '$data' 2> >(grep -v '^cvfs: will' | sed 's/^Type.*again: //' >&2)"
umount "$data"/.purge-user-tata/mounted 2>/dev/null || umount "$data/user-tata/mounted"
tenant add tata >/dev/null 2>&1
mkdir "$data/user-tata/stuck" && touch "$data/user-tata/stuck/file" && chattr +i "$data/user-tata/stuck/file"
equal "an immutable file keeps it" 2 "$(purge tata >/dev/null 2>&1; echo $?)"
find "$data" -path '*purge*' -name file -exec chattr -i {} + 2>/dev/null
out=$(purge tata --mountpoint "$srv/tata")
check "then it is deleted" test "${out#tata: deleted}" != "$out"
equal "with what was put aside, and the mount point" "" "$(find "$data" -maxdepth 2 \( -name '*tata*' -o -name '.purge*' \))"
check "nothing outside" test -e "$T/outside/file"
equal "its ids stay the user's" "tata:365536:65536" "$(grep tata /etc/subuid)"
refused 32 "no such tenant, and nothing is left of it" remove tata --purge
for mountpoint in "$srv"/*/; do chattr -i "$mountpoint" 2>/dev/null; done
