#!/bin/bash
# git, tar, sqlite3, gcc and coreutils do on a view what they do on plain ext4: the same user does the
# same work on both, and the results are compared byte for byte and attribute for attribute.
# shellcheck source=../support/view_env.sh
source "$(dirname "$0")/../support/view_env.sh"
use_test_programs

tree=$T/containerdata/user-toto
view=$T/view
source=$T/containerdata/source
plain=$T/containerdata/plain
user=101000
chmod 0711 "$tree"
for program in git sqlite3 gcc tar getfattr setfacl; do
  command -v "$program" >/dev/null || skip "no $program here"
done

# Everything that tells two results apart, a line for each file. With STORED, ids on disk are
# written as the view should show them.
manifest() { # DIRECTORY [STORED]
  python3 - "$1" "$user" "${2:-}" <<'END'
import hashlib, os, stat, sys

root, user, stored = os.fsencode(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
keeps_mtime = (b"tar/", b"copy/", b"moved/", b"synced/")
changes = (b"clone/.git/index", b"clone/.git/objects", b"clone/.git/logs")
lines = []

def shown(identity):
    return user if stored and identity == int(stored) else identity

def describe(path):
    name = os.path.relpath(path, root)
    if name.startswith(changes):
        return
    status = os.lstat(path)
    line = [name, oct(status.st_mode), shown(status.st_uid), shown(status.st_gid), status.st_nlink]
    if name.startswith(keeps_mtime):
        line.append(status.st_mtime_ns)
    if stat.S_ISREG(status.st_mode) and not name.endswith((b".db", b".db-wal", b".db-shm")):
        with open(path, "rb") as file:
            line += [status.st_size, hashlib.sha256(file.read()).hexdigest()]
    if stat.S_ISLNK(status.st_mode):
        line += [status.st_size, os.readlink(path)]
    for xattr in sorted(os.listxattr(path, follow_symlinks=False)):
        # What an ACL names on disk is test_identity's business.
        value = b"" if "posix_acl" in xattr else os.getxattr(path, xattr, follow_symlinks=False)
        line += [xattr, value]
    lines.append(repr(line))

def walk(directory):
    for name in sorted(os.listdir(directory)):
        path = os.path.join(directory, name)
        describe(path)
        if stat.S_ISDIR(os.lstat(path).st_mode):
            walk(path)

walk(root)
print("\n".join(lines))
END
}

# The work. What it prints is compared as well; it runs as the user, with the directory as its own.
cat >"$T/work" <<'END'
#!/bin/bash
set -eu
source=$1
cd "$2"

insert() { # DATABASE WRITER
  for ((i = 0; i < 250; ++i)); do echo "INSERT INTO rows VALUES ('$2', $i, hex(randomblob(200)));"; done |
    sqlite3 -cmd '.timeout 30000' "$1"
}
database() { # NAME JOURNAL-MODE
  sqlite3 "$1" "PRAGMA journal_mode=$2; CREATE TABLE rows (writer, number, filler);"
  insert "$1" a & insert "$1" b & wait -n; wait
  sqlite3 "$1" 'PRAGMA integrity_check;
    SELECT writer, count(*), count(DISTINCT number), min(number), max(number) FROM rows GROUP BY writer;'
}

echo "# git"
git clone --quiet --no-local "$source/repository" clone
git -C clone status --porcelain
echo more >>clone/file-1
git -C clone commit --quiet --all --message 'third'
git -C clone gc --quiet
git -C clone fsck --strict
git -C clone log --format='%H %an %ad %s'
git -C clone cat-file --batch-all-objects --batch-check | sha256sum
git -C clone checkout --quiet HEAD~2 && git -C clone checkout --quiet master

echo "# tar"
mkdir tar
tar --extract --xattrs --preserve-permissions --sparse --file "$source/archive.tar" --directory tar
tar --compare --xattrs --file "$source/archive.tar" --directory tar
tar --extract --xattrs --acls --preserve-permissions --file "$source/acls.tar" --directory tar
getfacl --recursive --numeric --absolute-names tar/acls

echo "# coreutils"
cp -a tar copy
cp -a tar copy2
mv copy2 moved
mv moved/tree moved/tree2 && mv moved/tree2 moved/tree
cp -a --reflink=never --sparse=always moved/tree/sparse again && cmp again tar/tree/sparse
cp -a moved doomed && rm -rf doomed
diff -r --no-dereference --exclude pipe tar copy
find . -path ./clone/.git -prune -o -print0 | sort -z | sha256sum
find tar -newer "$source/stamp" -printf '%p\n' | wc -l
ln -s nowhere dangling && find . -maxdepth 1 -xtype l
sync -f .
du -s --apparent-size -k moved/tree/sparse && du -k moved/tree/sparse
ls -1 moved/tree | wc -l
truncate -s 1M truncated && stat -c %s truncated
if command -v rsync >/dev/null; then rsync -aHAX tar/ synced/ && rsync -aHAXn --itemize-changes tar/ synced/; fi

echo "# sqlite3"
database rollback.db DELETE
database wal.db WAL
sqlite3 wal.db 'PRAGMA wal_checkpoint(TRUNCATE); VACUUM; PRAGMA integrity_check;'

echo "# gcc"
mkdir build && cd build
printf '#include <stdio.h>\nint answer(void);\nint main(void) { printf("%%d\\n", answer()); return 0; }\n' >main.c
printf 'int answer(void) { return 42; }\n' >answer.c
gcc -O1 -c main.c && gcc -O1 -c answer.c
ar rcsD libanswer.a answer.o
gcc -o program main.o -L. -lanswer
./program
END

# In octal; of a program and a directory.
setuid_bits=6 setgid_bit=2

make_source() {
  install -d -m 0755 -o "$user" -g "$user" "$source"
  setpriv --reuid "$user" --regid "$user" --clear-groups -- bash -euc '
    cd "$1"
    git init --quiet --initial-branch=master repository
    cd repository
    for i in {1..200}; do echo "file $i" >"file-$i"; done
    mkdir -p deep/er && echo x >deep/er/x && chmod 755 file-7 && ln -s file-1 link
    git add . && git commit --quiet --message first
    echo change >>file-2 && git rm --quiet file-3 && git commit --quiet --all --message second
    cd ..

    mkdir tree && cd tree
    echo plain >plain && echo newline >"$(printf "a\nb")" && echo blank >" leading and trailing "
    echo long >"$(printf "%0255d" 0)" && echo bytes >"$(printf "\377\376\200")"
    echo dash >./-n && echo star >"*" && echo utf >"grüße"
    mkdir -p empty many/levels/of/directories && ln plain hard && ln plain many/levels/hard2
    ln -s plain soft && ln -s /absolute/nowhere absolute && ln -s "$(printf "%01000d" 7)" long-link
    truncate -s 8M sparse && printf end | dd of=sparse bs=1 seek=5000000 conv=notrunc status=none
    printf x | dd of=sparse bs=1 seek=100 conv=notrunc status=none
    mkfifo pipe && mkdir -m 1777 sticky && mkdir -m "${3}755" setgid && mkdir -m 0500 readonly
    echo secret >private && chmod 0600 private && echo run >run && chmod "${2}755" run
    setfattr -n user.mine -v value plain && setfattr -n user.empty plain
    # rsync compares whole seconds: times of this very second would be left to chance.
    find . -exec touch -h -d "2015-06-07 08:09:10.987654321" {} +
    touch -d "2001-02-03 04:05:06.123456789" plain && touch -h -d "1999-01-01 00:00:00.5" soft
    touch -d "2010-01-01" empty
    cd ..
    tar --create --xattrs --sparse --format=posix --file archive.tar tree
    mkdir -p acls/directory && echo text >acls/file && echo text >acls/other
    setfacl -m u:101001:rw,g:102000:r acls/file && setfacl -d -m u:101001:rwx acls/directory
    find acls -exec touch -h -d "2016-07-08 09:10:11.123456789" {} +
    tar --create --xattrs --acls --format=posix --file acls.tar acls
    touch stamp
  ' - "$source" "$setuid_bits" "$setgid_bit"
}

export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null HOME=/nonexistent LC_ALL=C TZ=UTC
export GIT_AUTHOR_NAME=toto GIT_AUTHOR_EMAIL=toto@example GIT_AUTHOR_DATE='2020-01-01T00:00:00Z'
export GIT_COMMITTER_NAME=toto GIT_COMMITTER_EMAIL=toto@example GIT_COMMITTER_DATE='2020-01-01T00:00:00Z'

work_in() { # DIRECTORY OUTPUT
  setpriv --reuid "$user" --regid "$user" --clear-groups -- bash "$T/work" "$source" "$1" >"$2" 2>&1
}

echo "# plain ext4: the oracle"
check "the source is made" make_source
install -d -m 0755 -o "$user" -g "$user" "$plain"
check "the work succeeds on ext4" work_in "$plain" "$T/output-plain" || cat "$T/output-plain"
manifest "$plain" >"$T/manifest-plain"
check "and leaves several hundred files to compare" test "$(wc -l <"$T/manifest-plain")" -gt 300
tail -n 3 "$T/output-plain" | grep -qx 42 || fail "the work came to its end on ext4" "$(cat "$T/output-plain")"

equal "both databases have every row of both writers there, once" 4 "$(grep -cE '^[ab]\|250\|250\|0\|249$' "$T/output-plain")"
equal "and are sound" 3 "$(grep -cx ok "$T/output-plain")"

same() { # SENTENCE FILE FILE
  if cmp -s "$2" "$3"; then ok "$1"; else fail "$1" "$(diff "$2" "$3" | head -n 20)"; fi
}

for passthrough in auto off; do
  echo "# a view with passthrough=$passthrough"
  mount_view toto "$view" "userns=@dockremap,passthrough=$passthrough"
  install -d -m 0755 -o "$user" -g "$user" "$view/own"
  check "the work succeeds" work_in "$view/own" "$T/output"
  same "it says the same as on ext4" "$T/output-plain" "$T/output"
  manifest "$view/own" >"$T/manifest"
  same "the view shows the same bytes and attributes as ext4" "$T/manifest-plain" "$T/manifest"
  manifest "$tree/own" 200999 >"$T/manifest-disk"
  same "on disk it is the same, with the stored ids" "$T/manifest-plain" "$T/manifest-disk"
  unmount_view
  mount_view toto "$view" "userns=@dockremap,passthrough=$passthrough"
  manifest "$view/own" >"$T/manifest"
  same "after another mount it still is" "$T/manifest-plain" "$T/manifest"
  check "the user can remove all of it" \
    setpriv --reuid "$user" --regid "$user" --clear-groups -- bash -c 'chmod -R u+w "$1" && rm -rf "$1"/*' - "$view/own"
  equal "nothing is left" "" "$(ls -A "$tree/own")"
  rmdir "$view/own"
  unmount_view
done
