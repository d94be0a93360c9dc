#!/bin/bash
# The manual and the completions have every command and option that the programs have, and are well
# formed. Needs no root.
# shellcheck disable=SC2317  # most functions are called through check
set -u
: "${CVFS_SOURCE:=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}"
: "${CVFS_BIN:=$CVFS_SOURCE/build/release/bin}"
cvfs=$CVFS_BIN/cvfs
failures=0

ok() { printf 'ok    %s\n' "$1"; }
fail() {
  failures=$((failures + 1))
  printf 'FAIL  %s\n' "$@"
}
check() { # SENTENCE COMMAND...
  local output
  if output=$("${@:2}" 2>&1); then ok "$1"; else fail "$1" "$output"; fi
}
plain() { "$cvfs" manual "$1" | sed 's/\\-/-/g; s/\\&//g; s/\\e/\\/g'; }
has() { # PAGE WORD
  if [[ $1 == *"$2"* ]]; then return; fi
  echo "not there: $2"
  return 1
}
# The words of a help's section: its subcommands, or its long options.
subcommands() { "$cvfs" "$@" --help | sed -n '/^Subcommands:/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p'; }
options() { "$cvfs" "$@" --help | sed -n '/^Options:/,/^$/p' | grep -oE '(^|[ ,])--[a-z-]+' | tr -d ' ,' | sort -u; }

complete_with() { # WORDS...
  bash --norc -c 'source <("$0" completion bash); COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _cvfs; printf "%s\n" "${COMPREPLY[@]}"' \
    "$cvfs" "$@"
}

has_all_of() { # PAGE COMMAND...
  local option missing=0
  for option in $(options "${@:2}"); do
    [[ $option != --help ]] || continue
    has "$1" "$option" || missing=1
    complete_with cvfs "${@:2}" "$option" | grep -qxF -- "$option" || { echo "not completed: ${*:2} $option"; missing=1; }
  done
  return "$missing"
}

page=$(plain cvfs)
mapfile -t commands < <(subcommands)
((${#commands[@]} >= 7)) || fail "there are commands in the help" "${commands[*]}"
for command in "${commands[@]}"; do
  check "cvfs(1) has $command" has "$page" ".SS cvfs $command"
  check "and its options" has_all_of "$page" "$command"
  check "and it has examples" grep -q 'Example' <("$cvfs" "$command" --help)
  for below in $(subcommands "$command"); do
    check "cvfs(1) has $command $below" has "$page" ".SS cvfs $command $below"
    check "and its options" has_all_of "$page" "$command" "$below"
  done
done

page=$(plain mount.cvfs)
mapfile -t known < <("$CVFS_BIN/cvfsd" --check x /x -o zzzzzzzz=1 2>&1 | grep -oE '[a-z]+=' | grep -v zzz)
if ((EUID == 0)); then
  ((${#known[@]} >= 13)) || fail "cvfsd names its options" "${known[*]}"
  for option in "${known[@]}"; do
    check "mount.cvfs(8) has $option" has "$page" ".B $option"
    check "and docs/mounting.md" grep -q "$option" "$CVFS_SOURCE/docs/mounting.md"
  done
fi
for option in $("$CVFS_BIN/mount.cvfs" --help | grep -oE '^ +-[A-Za-z]( |,|$)' | tr -d ' ,' | grep -v -- '-h\|-V'); do
  check "mount.cvfs(8) has $option" has "$page" ".B $option"
done
# Of other filesystems: the names between colon and full stop, without what they stand for here.
mapfile -t foreign < <(sed -n '/OTHER FILESYSTEMS/,/^\.SH EX/p' <<<"$page" | tr -d '\n' | grep -oE ': [^:]*\.' | tr ',' '\n' | sed -E 's/^[: ]+//; s/ as .*//; s/\.+$//' | grep -oE '^[a-z_.-]+')
((${#foreign[@]} >= 80)) || fail "the manual names other filesystems' options" "${foreign[*]}"
missing=$(for option in "${foreign[@]}"; do grep -qF "\`$option\`" "$CVFS_SOURCE/docs/mounting.md" || echo "$option"; done)
check "docs/mounting.md has all of them" test -z "$missing"
page=$(plain cvfsd)
for option in $("$CVFS_BIN/cvfsd" --help | grep -oE '^ +--?[a-z-]+' | tr -d ' ' | grep -vE -- '^-h'); do
  check "cvfsd(8) has $option" has "$page" ".B $option"
done

for name in cvfs mount.cvfs cvfsd concepts; do
  if command -v groff >/dev/null; then
    warnings=$("$cvfs" manual "$name" | groff -man -Tutf8 -ww -z 2>&1)
    if [[ -z $warnings ]]; then ok "$name is well formed"; else fail "$name is well formed" "$warnings"; fi
  fi
done

check "a beginning is completed" test "$(complete_with cvfs sta)" == status
check "a subcommand's, too" test "$(complete_with cvfs tenant rem)" == remove
check "and its options" test "$(complete_with cvfs tenant remove --pur)" == --purge
check "the completion passes shellcheck's parser" bash -n <("$cvfs" completion bash)
if command -v zsh >/dev/null; then check "zsh reads its own" zsh -n <("$cvfs" completion zsh); fi

refusal=$("$cvfs" manual nothing 2>&1)
check "a page that is none is refused with those that are" has "$refusal" "try: cvfs manual cvfs, mount.cvfs, cvfsd or concepts"
refusal=$("$cvfs" completion fish 2>&1)
check "so is another shell" has "$refusal" "try: cvfs completion bash, or cvfs completion zsh"
check "a pipe gets no colours" test "$("$cvfs" --help | grep -c $'\033')" == 0

((failures == 0)) || echo "$failures failed"
exit $((failures > 0))
