"""What programs work on: made here, the same each time, without a network."""
import os
import random
import tarfile

from harness.private import sh

_WORDS = ("inode handle lookup forget upper lower whiteout opaque mount view tenant volume owner range claim lock "
          "journal worker request reply cache notify table record descriptor").split()


def _text(rng, size):
    """Lines of words, about `size` bytes."""
    lines = []
    length = 0
    while length < size:
        line = " ".join(rng.choices(_WORDS, k=9)) + "\n"
        lines.append(line)
        length += len(line)
    return "".join(lines)


def _size(rng):
    """Of a file in a source tree: half are below 2.5 kB, a few are large."""
    return min(int(rng.lognormvariate(7.8, 1.2)), 200_000)


def tree(root, files, seed=1):
    """`files` files, twenty a directory, three levels deep; every twentieth is a symlink."""
    rng = random.Random(seed)
    os.makedirs(root)
    for n in range(files):
        directory = root / f"part-{n // 4000}" / f"room-{n // 400 % 10}" / f"shelf-{n // 20 % 20:02}"
        if n % 20 == 0:
            directory.mkdir(parents=True)
        if n % 20 == 19:
            (directory / f"link-{n}").symlink_to(f"file-{n - 1}.txt")
        else:
            (directory / f"file-{n}.txt").write_text(_text(rng, _size(rng)))


def archive(root, output):
    """A tar of the tree; entries belong to nobody in particular."""
    def plain(entry):
        entry.uid = entry.gid = entry.mtime = 0
        return entry
    with tarfile.open(output, "w") as tar:
        for name in sorted(os.listdir(root)):
            tar.add(root / name, arcname=name, filter=plain)


def repository(directory, files):
    """A bare repository with the branches `main` and `other`, which differ in a quarter of the files."""
    rng = random.Random(2)
    work = directory.with_suffix(".work")
    tree(work, files, seed=3)
    git = ["git", "-c", "user.name=bench", "-c", "user.email=bench@example", "-c", "gc.auto=0", "-C", work]
    sh(*git, "init", "-q", "-b", "main")
    sh(*git, "add", ".")
    sh(*git, "commit", "-q", "-m", "first")
    sh(*git, "checkout", "-q", "-b", "other")
    for n, path in enumerate(sorted(work.glob("part-*/*/*/file-*"))):
        if n % 4 == 0:
            path.write_text(_text(rng, _size(rng)))
    sh(*git, "commit", "-q", "-a", "-m", "second")
    sh(*git, "checkout", "-q", "main")
    sh(*git, "clone", "-q", "--bare", work, directory)
    sh("git", "-C", directory, "repack", "-q", "-a", "-d")


def cxx_project(root, units, headers):
    """A Makefile and `units` sources, each including every header; the program prints a number."""
    (root / "include").mkdir(parents=True)
    for n in range(headers):
        (root / "include" / f"part_{n}.h").write_text(
            f"#pragma once\ninline int part_{n}(int x) {{ return x * {n} + 1; }}\n")
    for unit in range(units):
        includes = "".join(f'#include "part_{n}.h"\n' for n in range(headers))
        calls = " + ".join(f"part_{n}(x)" for n in range(headers))
        (root / f"unit_{unit}.cpp").write_text(
            f"#include <map>\n#include <string>\n#include <vector>\n{includes}"
            f"int unit_{unit}(int x) {{ std::map<std::string, std::vector<int>> m; m[\"x\"].push_back({calls}); "
            f"return m[\"x\"][0] % 1000; }}\n")
    declared = "".join(f"int unit_{unit}(int);\n" for unit in range(units))
    total = " + ".join(f"unit_{unit}({unit})" for unit in range(units))
    (root / "main.cpp").write_text(f'#include <cstdio>\n{declared}int main() {{ std::printf("%d\\n", {total}); }}\n')
    (root / "Makefile").write_text(
        "here := $(dir $(lastword $(MAKEFILE_LIST)))\nvpath %.cpp $(here)\n"
        f"objects := main.o {' '.join(f'unit_{unit}.o' for unit in range(units))}\n"
        "program: $(objects)\n\tg++ -o $@ $^\n"
        "%.o: %.cpp\n\tg++ -MMD -I$(here)include -c -o $@ $<\n")


def npm_packages(root, count):
    """Packages as tarballs in root/, and root/package.json that wants all of them."""
    rng = random.Random(4)
    root.mkdir()
    wanted = {}
    for n in range(count):
        package = root / "package"
        (package / "lib").mkdir(parents=True)
        (package / "package.json").write_text(f'{{"name": "part-{n}", "version": "1.0.0", "main": "lib/0.js"}}\n')
        for file in range(14):
            (package / "lib" / f"{file}.js").write_text(f"// {_text(rng, 60)}module.exports = {file};\n")
        with tarfile.open(root / f"part-{n}.tgz", "w:gz") as tar:
            tar.add(package, arcname="package")
        sh("rm", "-r", package)
        wanted[f"part-{n}"] = f"file:{root}/part-{n}.tgz"
    entries = ",\n".join(f'"{name}": "{source}"' for name, source in wanted.items())
    (root / "package.json").write_text(f'{{"name": "bench", "version": "1.0.0", "dependencies": {{\n{entries}\n}}}}\n')
