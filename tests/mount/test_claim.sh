#!/bin/bash
# Fresh volumes: what makes a directory unclaimed, who becomes its owner by what, what does not, and
# that of many at once exactly one does.
# shellcheck source=../support/view_env.sh
source "$(dirname "$0")/../support/view_env.sh"
use_test_programs

tree=$T/containerdata/user-toto
view=$T/view
chmod 0711 "$tree" # so that a container's users can come by
readonly unclaimed='100000:100000 777'

# As a container sees it, in host ids. The host's root is shown the mode on disk.
shown() { unshare --pid --fork stat -c '%u:%g %a' "$view/$1"; }
on_disk() { stat -c '%u:%g %a' "$tree/$1"; }
is_marked() { getfattr -n trusted.cvfs.unclaimed "$tree/$1" &>/dev/null; }
is_unmarked() { ! is_marked "$1"; }

# As a container engine makes a missing bind source.
fresh() { mkdir "$view/$1"; } # NAME

# As UID[:GID], `attempt` has this outcome.
gets() { # SENTENCE OUTCOME UID[:GID] CALL ARGUMENTS...
  equal "$1" "$2" "$(in_container "$3" attempt "${@:4}")"
}

test_what_is_unclaimed() {
  echo "# what is unclaimed"
  fresh engine
  equal "a directory that the host's root makes is container root's, and all may write" "$unclaimed" "$(shown engine)"
  check "it is marked on disk" is_marked engine
  equal "the host's root itself is shown the mode that it asked for" 755 "$(stat -c %a "$view/engine")"
  check "the mark is not seen on the view" \
    test -z "$(getfattr -d -m - "$view/engine" 2>/dev/null | grep cvfs)"
  equal "a container sees root's directory of mode 0777" '0:0 777' \
    "$(in_container 1000 stat -c '%u:%g %a' "$view/engine")"

  mkdir -m 0700 "$view/private"
  equal "a directory that the host's root makes with mode 0700 is not" '100000:100000 700' "$(shown private)"
  gets "and nobody else may write there" EACCES 1000 create "$view/private/f"

  in_container 0 mkdir "$view/of-container-root"
  equal "a directory that container root makes is not" '100000:100000 755' "$(shown of-container-root)"
  check "it is not marked" is_unmarked of-container-root
  gets "and nobody else may write there" EACCES 1000 create "$view/of-container-root/f"

  fresh home
  in_container 1000:1000 mkdir "$view/home/made"
  equal "a directory that a container's user makes is not" '101000:101000 755' "$(shown home/made)"
  check "it is not marked" is_unmarked home/made

  mkdir -p "$view/a/b/c"
  equal "of mkdir -p a/b/c, a is not" '100000:100000 755' "$(shown a)"
  equal "of mkdir -p a/b/c, b is not" '100000:100000 755' "$(shown a/b)"
  equal "of mkdir -p a/b/c, c is" "$unclaimed" "$(shown a/b/c)"
  gets "others may not write in its parent" EACCES 1000 mkdir "$view/a/b/d"
  gets "but in the leaf" ok 1000:1000 mkdir "$view/a/b/c/d"

  mkdir "$tree/by-hand"
  check "a directory that root makes on disk, past the view, is not" is_unmarked by-hand
}

test_engines() {
  echo "# what an engine does afterwards"
  fresh chowned
  chown 100000:100000 "$view/chowned"
  equal "the host's root giving it to container root claims nothing" "$unclaimed" "$(shown chowned)"
  chmod 0755 "$view/chowned"
  equal "and neither does the host's root's chmod" "$unclaimed" "$(shown chowned)"
  gets "a container's user can still claim it" ok 1000:2000 create "$view/chowned/f"
  equal "and owns it" '101000:102000 755' "$(shown chowned)"

  fresh given
  chown 101000:102000 "$view/given"
  equal "the host's root giving it to another claims it for that one" '101000:102000 755' "$(shown given)"
  check "it is not marked any more" is_unmarked given

  fresh remounted
  unmount_view
  mount_view toto "$view" "$options"
  equal "it is unclaimed still after a mount" "$unclaimed" "$(shown remounted)"
  gets "and can be claimed" ok 1000:1000 create "$view/remounted/f"
  unmount_view
  mount_view toto "$view" "$options"
  equal "the claim is still there after a mount" '101000:101000 755' "$(shown remounted)"
}

claims_by() { # CALL ARGUMENTS...: the last one is the new name in the directory
  local directory
  directory=$(basename "$(dirname "${*: -1}")")
  fresh "$directory"
  gets "$1 in a fresh directory succeeds" ok 1000:2000 "$@"
  equal "$1 claims it: uid, gid and mode" '101000:102000 755' "$(shown "$directory")"
  equal "$1 claims it on disk" "$disk_of_1000_2000 755" "$(on_disk "$directory")"
  check "$1 takes the mark away" is_unmarked "$directory"
  gets "after $1 others are refused" EACCES 1001:1001 create "$view/$directory/other"
  gets "after $1 the owner goes on" ok 1000:2000 create "$view/$directory/more"
}

test_calls() {
  echo "# whoever makes the first entry, by whatever call, owns it"
  local call
  for call in create excl mkdir fifo socket regular symlink tmpfile; do
    claims_by "$call" "$view/by-$call/entry"
  done
  fresh origin
  in_container 1000:2000 sh -c 'cd "$1" && mkdir d && : >a && : >b' - "$view/origin"
  claims_by link "$view/origin/a" "$view/by-link/entry"
  claims_by rename "$view/origin/a" "$view/by-rename/entry"
  fresh by-rename-of-directory
  gets "a directory can be moved in" ok 1000:2000 rename "$view/origin/d" "$view/by-rename-of-directory/d"
  equal "that claims, too" '101000:102000 755' "$(shown by-rename-of-directory)"

  fresh by-root
  gets "container root makes an entry" ok 0 create "$view/by-root/entry"
  equal "container root claims it" '100000:100000 755' "$(shown by-root)"
  gets "after that others are refused" EACCES 1000 create "$view/by-root/other"
}

test_on_purpose() {
  echo "# container root's chown and chmod, and refusals"
  fresh chown
  gets "container root gives it away" ok 0 chown "$view/chown" 1000 1000
  equal "the new owner has it, with the mode of mkdir" '101000:101000 755' "$(shown chown)"
  gets "others are refused" EACCES 1001 create "$view/chown/f"
  gets "the owner is not" ok 1000:1000 create "$view/chown/f"

  fresh chown-to-root
  gets "container root gives it to itself" ok 0 chown "$view/chown-to-root" 0 0
  equal "so it is claimed" '100000:100000 755' "$(shown chown-to-root)"

  fresh chmod
  gets "container root changes the mode" ok 0 chmod "$view/chmod" 0750
  equal "so it is claimed, and the mode is that" '100000:100000 750' "$(shown chmod)"
  gets "others are refused" EACCES 1000 create "$view/chmod/f"

  fresh sticky
  gets "container root opens it for all" ok 0 chmod "$view/sticky" 1777
  gets "one writes there" ok 1000:1000 create "$view/sticky/f"
  gets "another, too" ok 1001:1001 create "$view/sticky/g"
  equal "and nobody has become its owner" '100000:100000 1777' "$(shown sticky)"

  fresh not-mine
  gets "a user who owns nothing there may not chown it" EPERM 1000 chown "$view/not-mine" 1000 1000
  gets "nor chmod it" EPERM 1000 chmod "$view/not-mine" 0700
  equal "and it stays unclaimed" "$unclaimed" "$(shown not-mine)"
}

test_failures() {
  echo "# what fails claims nothing"
  fresh fail
  install -o 1500 -g 1500 -m 0644 /dev/null "$tree/fail/there"
  gets "O_EXCL on a name that exists" EEXIST 1000 excl "$view/fail/there"
  gets "mkdir on a name that exists" EEXIST 1000 mkdir "$view/fail/there"
  gets "a symlink on a name that exists" EEXIST 1000 symlink "$view/fail/there"
  gets "a name that is too long" ENAMETOOLONG 1000 create "$view/fail/$(printf '%0256d' 0)"
  gets "moving what is not there" ENOENT 1000 rename "$view/fail/no" "$view/fail/new"
  gets "a device" EPERM 0 device "$view/fail/null"
  gets "opening a file of somebody else without O_EXCL" EACCES 1000 create "$view/fail/there"
  equal "an id outside the map" EOVERFLOW "$(as_uid 5000 5000 attempt create "$view/fail/f")"
  equal "the tenant's own id, which no container has" EOVERFLOW "$(as_uid 1500 1500 attempt mkdir "$view/fail/d")"
  gets "removing what is there is no claim" ok 1000 unlink "$view/fail/there"
  equal "after all this it is unclaimed" "$unclaimed" "$(shown fail)"
  check "and marked" is_marked fail
  check "and empty on disk" test -z "$(ls -A "$tree/fail")"
  gets "and can be claimed" ok 1000:1000 create "$view/fail/f"
  equal "by who comes then" '101000:101000 755' "$(shown fail)"
}

test_races() {
  echo "# races"
  check "50 users at once, 20 times: one owner, EACCES for all others" \
    claim_race 20 50 101000 110000 "$view"
  mount_view toto "$T/second" "$options"
  mkdir "$view/two" && chmod 0777 "$view/two"
  check "the same over two views of the tree" \
    claim_race 20 50 101000 110000 "$view/two" "$T/second/two"
  unmount_view "$T/second"
}

test_policy() { # NAME
  options=userns=@dockremap,owner=$1
  printf '# ==== owner=%s\n' "$1"
  mount_view toto "$view" "$options"
  test_what_is_unclaimed
  test_engines
  test_calls
  test_on_purpose
  test_failures
  test_races
  unmount_view
  find "$tree" -mindepth 1 -delete
}

disk_of_1000_2000='200999:201999'
test_policy map
disk_of_1000_2000='1500:1500'
test_policy virtual

echo "# ==== userns=host: a container is known by its pid namespace"
mount_view toto "$view" userns=host
in_other_pids() { unshare --pid --fork "$@"; }
mkdir "$view/fresh"
equal "the host's root makes an unclaimed directory" '0:0 777' "$(shown fresh)"
in_other_pids mkdir "$view/made"
equal "a container's root does not" '0:0 755' "$(shown made)"
chmod 0755 "$view/fresh"
equal "the host's root's chmod claims nothing" '0:0 777' "$(shown fresh)"
equal "a user claims it" ok "$(as_uid 1000 1000 attempt create "$view/fresh/f")"
equal "and owns it" '1000:1000 755' "$(shown fresh)"
mkdir "$view/rooted"
in_other_pids chmod 0755 "$view/rooted"
equal "a container's root's chmod claims" '0:0 755' "$(shown rooted)"
