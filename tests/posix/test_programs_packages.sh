#!/bin/bash
# Programs that install: dpkg into a chroot on the view, with maintainer scripts that run there; npm install of
# a local package; a build with gcc and make, incrementally; git gc and worktrees; bash with pipes that have names.
# shellcheck source-path=SCRIPTDIR source=../support/view_env.sh
source "$(dirname "$0")/../support/view_env.sh"
use_test_programs

tree=$T/containerdata/user-toto
view=$T/view
chmod 0711 "$tree"
for program in dpkg dpkg-deb busybox npm git gcc make; do
  command -v "$program" >/dev/null || skip "no $program here"
done
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null LC_ALL=C TZ=UTC
export GIT_AUTHOR_NAME=toto GIT_AUTHOR_EMAIL=toto@example GIT_COMMITTER_NAME=toto GIT_COMMITTER_EMAIL=toto@example

as_user() { in_container 1000:1000 "$@"; }

# ---- dpkg ------------------------------------------------------------------------------------------

# A package: FILES and SCRIPTS are made in its directory by the functions that are named.
package() { # NAME VERSION DEPENDS FUNCTION
  local directory=$T/packages/$1-$2
  rm -rf "$directory"
  mkdir -p "$directory/DEBIAN"
  printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: toto <toto@example>\nDepends: %s\nDescription: a test\n' \
    "$1" "$2" "$3" | grep -v '^Depends: $' >"$directory/DEBIAN/control"
  (cd "$directory" && "$4" "$2")
  dpkg-deb --root-owner-group --build "$directory" "$T/packages/$1_$2.deb" >/dev/null
}
script() { # NAME
  { echo '#!/bin/sh'; echo 'set -e'; cat; } >"DEBIAN/$1"
  chmod 0755 "DEBIAN/$1"
}
shell_files() {
  mkdir -p bin usr/bin etc var/log tmp
  cp "$(command -v busybox)" bin/busybox
  local name
  for name in sh cat echo rm mkdir ln chmod chown id touch mv test; do ln -s busybox "bin/$name"; done
  printf 'root:x:0:0:root:/:/bin/sh\ndaemon:x:1:1::/:/bin/sh\n' >etc/passwd
  printf 'root:x:0:\ndaemon:x:1:\nshadow:x:42:\n' >etc/group
  chmod 1777 tmp
}
tool_files() {
  mkdir -p usr/bin usr/share/doc/tool etc/tool var/lib/tool
  echo "version $1" >usr/bin/tool && chmod 0755 usr/bin/tool && ln usr/bin/tool usr/bin/tool-hard
  cp usr/bin/tool usr/bin/tool-setuid && chmod 4755 usr/bin/tool-setuid
  echo "setting of $1" >etc/tool/tool.conf && echo /etc/tool/tool.conf >DEBIAN/conffiles
  local i
  for i in {1..200}; do echo "$i" >"usr/share/doc/tool/page-$i"; done
  ln -s tool usr/bin/tool-link
  script preinst <<<'echo "preinst $1" >>/var/log/scripts'
  script postinst <<<'echo "postinst $1" >>/var/log/scripts; mkdir -p /var/lib/tool/state; chown 1:42 /var/lib/tool/state; chmod 2750 /var/lib/tool/state; id -u >>/var/log/scripts'
  script prerm <<<'echo "prerm $1" >>/var/log/scripts'
  script postrm <<<'echo "postrm $1" >>/var/log/scripts; if [ "$1" = purge ]; then rm -rf /var/lib/tool; fi'
}

# dpkg as root of a container, with a user namespace and the view alone.
dpkg_into() { # ROOT ARGUMENTS...
  in_container 0 env PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive \
    dpkg --root="$1" --force-not-root --log=/dev/null --force-unsafe-io "${@:2}"
}
test_dpkg() { # ROOT
  in_container 0 mkdir -p "$1/var/lib/dpkg/info" "$1/var/lib/dpkg/updates"
  in_container 0 touch "$1/var/lib/dpkg/status" "$1/var/lib/dpkg/available"
  check "dpkg installs a shell" dpkg_into "$1" --install "$T/packages/shell_1.deb"
  check "and a program whose scripts run in it" dpkg_into "$1" --install "$T/packages/tool_1.deb"
  equal "dpkg knows both" 'ii ii' "$(dpkg_into "$1" --list shell tool | awk '/^ii/ { print $1 }' | xargs)"
  equal "its files are as the package says" '4755 0:0 755 0:0 2' \
    "$(in_container 0 stat -c '%a %u:%g' "$1/usr/bin/tool-setuid") $(in_container 0 stat -c '%a %u:%g %h' "$1/usr/bin/tool-hard")"
  equal "and what its script made" '2750 1:42' "$(in_container 0 stat -c '%a %u:%g' "$1/var/lib/tool/state")"
  equal "dpkg --verify finds nothing" "" "$(dpkg_into "$1" --verify tool)"
  in_container 0 sh -c "echo mine >$1/etc/tool/tool.conf"
  check "an upgrade that keeps the changed setting" dpkg_into "$1" --force-confold --install "$T/packages/tool_2.deb"
  equal "it is there" 'version 2 mine setting of 2' \
    "$(in_container 0 cat "$1/usr/bin/tool" "$1/etc/tool/tool.conf" "$1/etc/tool/tool.conf.dpkg-dist" | xargs)"
  check "it is removed" dpkg_into "$1" --purge tool
  equal "nothing of it is left" "" "$(in_container 0 find "$1" -name '*tool*')"
  equal "the scripts ran, in order, as root" \
    'preinst install postinst configure 0 prerm upgrade preinst upgrade postrm upgrade postinst configure 0 prerm remove postrm remove postrm purge' \
    "$(in_container 0 cat "$1/var/log/scripts" | xargs)"
}

# ---- npm -------------------------------------------------------------------------------------------

test_npm() { # DIRECTORY
  as_user bash -euc 'cd "$1" && mkdir -p library/lib program home
    echo "{\"name\":\"library\",\"version\":\"1.2.3\",\"main\":\"lib/index.js\",\"bin\":{\"greet\":\"greet.js\"}}" >library/package.json
    echo "module.exports = () => \"hello\";" >library/lib/index.js
    printf "#!/usr/bin/env node\nconsole.log(require(\"./lib/index.js\")());\n" >library/greet.js
    for i in $(seq 200); do echo "module.exports = $i;" >library/lib/$i.js; done
    echo "{\"name\":\"program\",\"version\":\"1.0.0\",\"scripts\":{\"test\":\"greet\"}}" >program/package.json' - "$1"
  npm_of() { as_user env HOME="$1/home" npm_config_cache="$1/home/cache" npm_config_offline=true npm_config_audit=false npm_config_fund=false npm_config_update_notifier=false npm "${@:2}" 2>&1; }
  check "npm pack" npm_of "$1" --prefix "$1/library" pack "$1/library" --pack-destination "$1"
  check "npm install of a packed package" npm_of "$1" --prefix "$1/program" install "$1/library-1.2.3.tgz"
  equal "it works" hello "$(npm_of "$1" --prefix "$1/program" --silent test | tail -n 1)"
  check "npm ci, from the lock file" npm_of "$1" --prefix "$1/program" ci
  equal "all of it is there" 203 "$(find "$1/program/node_modules/library" -type f | wc -l)"
  check "npm uninstall" npm_of "$1" --prefix "$1/program" uninstall library
  equal "nothing of it is left" "" "$(find "$1/program" -name '*.js')"
}

# ---- git -------------------------------------------------------------------------------------------

test_git() { # DIRECTORY
  as_user bash -euc 'cd "$1" && git init -q -b main origin && cd origin
    for i in $(seq 300); do echo "$i" >file-$i; done && git add . && git commit -qm first
    for i in $(seq 20); do echo "change $i" >>file-$i; git commit -qam "commit $i"; done' - "$1"
  check "git clone over its own protocol" as_user git clone -q "file://$1/origin" "$1/clone"
  check "git clone with hard links" as_user git clone -q "$1/origin" "$1/linked"
  check "git gc" as_user git -C "$1/clone" gc -q --aggressive --prune=now
  check "git fsck" as_user git -C "$1/clone" fsck --strict
  check "git worktree" as_user git -C "$1/clone" worktree add -q -b side "$1/worktree"
  check "a commit there" as_user bash -c 'cd "$1/worktree" && echo side >side && git add side && git commit -qm side' - "$1"
  equal "seen from the clone" side "$(as_user git -C "$1/clone" log -1 --format=%s side)"
  check "a merge" as_user git -C "$1/clone" merge -q side
  check "the worktree goes" as_user git -C "$1/clone" worktree remove "$1/worktree"
  check "a rebase" as_user bash -c 'cd "$1/linked" && git reset -q --hard HEAD~5 && echo x >x && git add x && git commit -qm x && git rebase -q origin/main' - "$1"
  check "a push" as_user git -C "$1/linked" push -q origin HEAD:refs/heads/pushed
  equal "nothing is changed" "" "$(as_user git -C "$1/linked" status --porcelain)"
  check "git sees no change after a touch" as_user bash -c 'cd "$1/linked" && touch file-* && [ -z "$(git status --porcelain)" ]' - "$1"
}

# ---- gcc and make ----------------------------------------------------------------------------------

test_make() { # DIRECTORY
  as_user bash -euc 'cd "$1" && mkdir build && cd build
    for i in $(seq 12); do printf "int f%d(void) { return %d; }\n" $i $i >f$i.c; done
    { for i in $(seq 12); do echo "int f$i(void);"; done; echo "#include <stdio.h>"; echo "int main(void) { printf(\"%d\\n\", 0"
      for i in $(seq 12); do echo "+ f$i()"; done; echo "); return 0; }"; } >main.c
    printf "OBJECTS := \$(patsubst %%.c,%%.o,\$(wildcard *.c))\nprogram: \$(OBJECTS)\n\tgcc -o \$@ \$^\n%%.o: %%.c\n\tgcc -c -MD -o \$@ \$<\n-include *.d\n" >Makefile' - "$1"
  check "make -j4" as_user make -s -j4 -C "$1/build"
  equal "what it built runs" 78 "$(as_user "$1/build/program")"
  equal "a second make has nothing to do" "make: 'program' is up to date." "$(as_user make -C "$1/build" 2>&1 | sed "s/^make\[[0-9]*\]/make/" | grep 'up to date')"
  as_user bash -c 'sleep 0.02; echo "int f1(void) { return 101; }" >"$1/build/f1.c"' - "$1"
  equal "a change is seen by its time: one file is compiled" 'gcc -c -MD -o f1.o f1.c gcc -o program' \
    "$(as_user make -C "$1/build" 2>&1 | grep ^gcc | cut -d' ' -f1-6 | sed 's/program .*/program/' | xargs)"
  equal "it runs" 178 "$(as_user "$1/build/program")"
}

# ---- bash and fifos --------------------------------------------------------------------------------

test_fifos() { # DIRECTORY
  equal "pipes with names between six processes" 5050 "$(as_user timeout 20 bash -euc 'cd "$1" && mkdir fifos && cd fifos
    mkfifo a b c d
    for i in $(seq 100); do echo $i; done >a &
    tee b <a >c & sort -n <b >/dev/null & cat <c >d &
    sum=0; while read -r n; do sum=$((sum + n)); done <d; wait; echo $sum' - "$1")"
  equal "one of another uid's, and a socket" 'through' "$(as_user mkfifo -m 0666 "$1/p"
    in_container 1001:1001 sh -c 'echo through >"$1"' - "$1/p" & as_user timeout 10 cat "$1/p")"
  equal "a local socket" 'by socket' "$(as_user timeout 10 python3 -c '
import os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1] + "/s"); server.listen(1)
if os.fork() == 0:
    client = socket.socket(socket.AF_UNIX); client.connect(sys.argv[1] + "/s"); client.send(b"by socket"); os._exit(0)
print(server.accept()[0].recv(99).decode())' "$1")"
}

mkdir "$T/packages"
package shell 1 "" shell_files
package tool 1 shell tool_files
package tool 2 shell tool_files
for options in owner=map owner=virtual; do
  echo "# $options"
  mount_view toto "$view" "userns=@dockremap,$options"
  chmod 0711 "$view"
  in_container 0 sh -c "mkdir -m 0755 $view/root $view/d && chown 1000:1000 $view/d"
  test_dpkg "$view/root"
  as_user mkdir "$view/d/npm" "$view/d/git" "$view/d/make"
  test_npm "$view/d/npm"
  test_git "$view/d/git"
  test_make "$view/d/make"
  test_fifos "$view/d"
  in_container 0 rm -rf "$view/root" "$view/d"
  equal "all can be removed" "" "$(ls -A "$tree")"
  unmount_view
done
