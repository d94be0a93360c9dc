# shellcheck shell=bash
# escape_env.sh: view_env.sh for tests of what must not be possible. Each attempt is headed by the class
# it is of, with a CVE where there is one; what it may not leave behind is looked for on disk.
#
#   $tree, $view, $outside        toto's tree, the view's mount point, a directory of root's beside the tree
#   class NAME                    heads what follows
#   gets SENTENCE OUTCOME UID[:GID] CALL ARGUMENTS...   `attempt` in a container has this outcome
#   start_in_container UID COMMAND...   in the background, as $!
#   never SENTENCE WORD OUTPUT    the word (a secret) does not stand in the output
#   nothing_gained                no secret was changed, and nothing on disk is privileged
# shellcheck source-path=SCRIPTDIR source=view_env.sh
source "$(dirname "${BASH_SOURCE[0]}")/view_env.sh"
use_test_programs

# shellcheck disable=SC2034  # for the scripts
tree=$T/containerdata/user-toto
# shellcheck disable=SC2034
view=$T/view
outside=$T/containerdata/outside
others=$T/containerdata/user-titi
chmod 0711 "$tree"

class() { printf '# %s\n' "$1"; }
# In the background, as $! itself: killing the shell of a function would not end what it runs. With our stdin,
# where a shell gives what it starts in the background /dev/null.
start_in_container() { # UID COMMAND...
  nsenter --target "${container:?}" --user --setuid "$1" --setgid "$1" -- "${@:2}" <&0 &
}
gets() { equal "$1" "$2" "$(in_container "$3" attempt "${@:4}")"; }
never() {
  if [[ $3 == *"$2"* ]]; then fail "$1" "$3"; else ok "$1"; fi
}

make_secrets() {
  install -d -m 0755 "$outside"
  echo root-secret >"$outside/secret" && chmod 0600 "$outside/secret"
  echo root-file >"$outside/file" && chmod 0644 "$outside/file"
  install -m 0600 -o 1600 -g 1600 /dev/stdin "$others/secret" <<<titi-secret
  install -d -m 0777 -o 1600 -g 1600 "$others/open"
  chmod 0711 "$others"
}
secrets() {
  stat -c '%n %u:%g %a %s %h' "$outside" "$outside"/* "$others" "$others"/*
  cat "$outside/secret" "$outside/file" "$others/secret"
  ls -A "$outside" "$others" "$others/open"
}

# The ids that views of toto may store: the tenant's own, and the range.
ids_on_disk() { find "$tree" -mindepth 1 -printf '%U\n%G\n' | sort -un; }
is_toto_s() { (($1 == 1500 || ($1 >= 200000 && $1 < 265536))); }

nothing_gained() {
  equal "what is outside is as it was" "$secrets_before" "$(secrets)"
  local id bad=
  while read -r id; do is_toto_s "$id" || bad+=" $id"; done < <(ids_on_disk)
  equal "on disk there are only the tenant's ids" "" "$bad"
  equal "no device but whiteouts" "" "$(find "$tree" \( -type b -o -type c \) -exec stat -c '%n %t:%T' {} + | grep -v ' 0:0$')"
  equal "no file capability that counts for a host's process" "" \
    "$(getfattr -Rh -n security.capability -e hex "$tree" 2>/dev/null | grep -E '=0x......0[12]')"
  equal "no xattr of the kernel's that a container could have meant" "" \
    "$(getfattr -Rh -m '^(trusted|security)\.' "$tree" 2>/dev/null | grep -vE '^#|^$|^trusted\.cvfs\.|^security\.capability')"
  bad=
  while read -r id; do is_toto_s "$id" || bad+=" $id"; done < <(getfacl -Rnsp "$tree" 2>/dev/null |
    grep -oE '(user|group):[0-9]+:' | grep -oE '[0-9]+' | sort -un)
  equal "no ACL entry of another's id" "" "$bad"
}

make_secrets
secrets_before=$(secrets)
