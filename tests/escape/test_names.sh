#!/bin/bash
# Names and links in a view, while others rename: nobody gets out of the tree, into another view, or to a
# file that the permissions on the way would have kept from them.
# shellcheck source-path=SCRIPTDIR source=../support/escape_env.sh
source "$(dirname "$0")/../support/escape_env.sh"

readonly attempts=$CVFS_SOURCE/tests/escape/attempts.py

mount_view toto "$view" userns=@dockremap
mount_view titi "$T/titi" userns=@dockremap
chmod 0711 "$view"
in_container 0 mkdir -m 1777 "$view/d"

class "renames across directories while a path is resolved (CVE-2022-21658, CVE-2018-15664: exchange of a directory and a symlink)"
in_container 1000 sh -c "mkdir -p $view/d/one/sub $view/d/two && echo inside >$view/d/one/sub/secret && ln -s $outside $view/d/two/sub && ln -s ../../.. $view/d/up"
# Only what a container itself can see by a path of its own may come out: never what cvfs could see.
for pair in "one two" "one/sub two/sub" "one up"; do
  read -r first second <<<"$pair"
  start_in_container 1000 python3 "$attempts" exchange_forever "$view/d/$first" "$view/d/$second"
  exchanger=$!
  disown
  equal "exchange of $first and $second: root's secret stays one" inside \
    "$(in_container 0 python3 "$attempts" walk_forever "$view/d/one/sub/secret" root-secret)"
  kill -KILL "$exchanger"
  eventually 5 test ! -e "/proc/$exchanger"
done
in_container 0 rm -rf "$view/d"
in_container 0 mkdir -m 1777 "$view/d"

class "hard links to what is outside (protected_hardlinks; CVE-2000-style links into a served tree)"
equal "none of root's files gets a name in the view" "" \
  "$(in_container 0 python3 "$attempts" links_of "$outside" "$view/d" 2>&1 | grep -w ok)"
equal "nor does the host's root make one" "" "$(python3 "$attempts" links_of "$outside" "$view/d" 2>&1 | grep -w ok)"

class "two tenants' views with the same ids in both"
in_container 1000 sh -c ": >$view/d/mine; mkdir $view/d/dir"
in_container 0 mkdir -m 0777 "$T/titi/d"
gets "a file cannot be linked from one into the other" EXDEV 1000 link "$view/d/mine" "$T/titi/d/mine"
gets "nor moved" EXDEV 1000 rename "$view/d/mine" "$T/titi/d/mine"
gets "nor a directory" EXDEV 1000 rename "$view/d/dir" "$T/titi/d/dir"
gets "nor by container root" EXDEV 0 link "$view/d/mine" "$T/titi/d/mine"
gets "titi's secret is titi's" EACCES 1000 read "$T/titi/secret"
in_container 0 sh -c ": >$T/titi/d/theirs"
equal "what is made in the other view is of the other tenant's ids" '1600 1500' \
  "$(stat -c %u "$others/d/theirs" "$tree/d" | xargs)"

class "a way through /proc: descriptors opened again for more (CVE-2014-style /proc/self/fd reopening)"
in_container 0 sh -c "echo text >$view/d/roots; chmod 0444 $view/d/roots"
equal "of what was opened for reading" "write EACCES readwrite EACCES truncate EACCES chmod EPERM fchmod EPERM fchown EPERM setxattr EACCES truncate-path EACCES" \
  "$(in_container 1000 python3 "$attempts" reopen "$view/d/roots" | xargs)"
equal "it is as it was" 'text 444' "$(cat "$tree/d/roots") $(stat -c %a "$tree/d/roots")"

class "a directory that may not be searched, by its cached entries (facts: without default_permissions a cached entry is not checked)"
in_container 1000:1000 sh -c "mkdir -m 0700 $view/d/private; echo secret >$view/d/private/f; chmod 0666 $view/d/private/f"
gets "its owner reads, and the kernel keeps the entry" $'secret\nok' 1000 read "$view/d/private/f"
gets "another cannot use it" EACCES 1001 read "$view/d/private/f"

# File handles (CVE-2014-3519 and Shocker: open_by_handle_at in a container): tests/mount/test_hostile.sh.

unmount_view "$T/titi"
in_container 0 rm -rf "$view/d"
rm -rf "$others/d"
nothing_gained
