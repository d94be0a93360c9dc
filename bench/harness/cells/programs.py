"""Programs: how long they take for something that people do. Each checks what came out of it."""
import hashlib
import pathlib
import shutil

from harness import private, sources
from harness.cells import SCRATCH, Cell, CellFailure, Group, Measured, attempt, give


def missing_its_input(cells, failed):
    """What the other cells of the group yield if the first one has failed."""
    return ((cell, Measured(error=f"without its input: {failed[1].error}")) for cell in cells if cell is not failed[0])


class Trees(Group):
    """Unpacking, walking, searching and removing a tree of many files."""
    kind = "programs"
    name = "programs, a tree"

    def __init__(self, size):
        super().__init__(size)
        self.files = size.pick(1500, 20000)
        self.expected_s = size.pick(1.8, 22)
        self.tools = {"grep": ["grep", "-rc", "whiteout opaque"], "rg": ["rg", "-c", "--sort=path", "whiteout opaque"]}
        if not shutil.which("rg"):
            del self.tools["rg"]
        names = ["tar_x", "find_stat", "du", *self.tools, "find_stat_cold", "grep_cold", "rm_r"]
        self.cells = [Cell(f"programs/{name}", "s") for name in names]

    def set_up(self):
        sources.tree(SCRATCH / "tree", self.files)
        sources.archive(SCRATCH / "tree", SCRATCH / "tree.tar")
        shutil.rmtree(SCRATCH / "tree")

    def measure(self, visit):
        tree = visit.work / "tree"
        visit.run("mkdir", tree)
        cells = {cell.id.split("/")[1]: cell for cell in self.cells}

        def extract():
            seconds, _ = visit.run("tar", "-xf", SCRATCH / "tree.tar", "-C", tree)
            return seconds, visit.digest("tree")

        def printing(*command):
            """What it prints is the work; in any order."""
            seconds, out = visit.run(*command, cwd=tree)
            return seconds, hashlib.sha256("\n".join(sorted(out.splitlines())).encode()).hexdigest()[:16]

        def remove():
            seconds, _ = visit.run("rm", "-r", tree)
            # fuse-overlayfs leaves a whiteout, which is no directory.
            if (visit.tree / "work/tree").is_dir() or tree.exists():
                raise CellFailure("the tree is still there")
            return seconds

        find = ["find", ".", "-type", "f", "-printf", "%p %s %m\n"]
        extracted = attempt(cells["tar_x"], extract)
        yield extracted
        if extracted[1].error:
            yield from missing_its_input(self.cells, extracted)
            return
        yield attempt(cells["find_stat"], lambda: printing(*find))
        yield attempt(cells["du"], lambda: visit.run("du", "-s", tree)[0])
        for name, command in self.tools.items():
            yield attempt(cells[name], lambda command=command: printing(*command))
        private.drop_caches()
        yield attempt(cells["find_stat_cold"], lambda: printing(*find))
        private.drop_caches()
        yield attempt(cells["grep_cold"], lambda: printing(*self.tools["grep"]))
        yield attempt(cells["rm_r"], remove)


class Git(Group):
    kind = "programs"
    name = "programs, git"

    def __init__(self, size):
        super().__init__(size)
        self.files = size.pick(800, 8000)
        self.expected_s = size.pick(1, 9)
        self.cells = [Cell(f"programs/git_{name}", "s") for name in ("clone", "status", "checkout")]

    def why_not(self):
        return None if shutil.which("git") else "no git here"

    def set_up(self):
        sources.repository(SCRATCH / "repository.git", self.files)
        give(SCRATCH / "repository.git", private.CALLER_ID)

    def measure(self, visit):
        clone, status, checkout = self.cells

        def run(*words):
            return visit.run("git", "-c", "core.fsync=none", "-c", "gc.auto=0", *words)

        def clone_it():
            seconds, _ = run("clone", "-q", "--no-hardlinks", SCRATCH / "repository.git", "clone")
            return seconds, visit.digest("clone", ignore=(".git",))

        def status_thrice():
            """The first one writes the index, as it always does after a clone."""
            run("-C", "clone", "status", "--porcelain")
            total = 0
            for _ in range(3):
                seconds, out = run("-C", "clone", "status", "--porcelain")
                total += seconds
                if out:
                    raise CellFailure(f"git status sees changes: {out.splitlines()[0]}")
            return total / 3

        def checkout_other():
            seconds, _ = run("-C", "clone", "checkout", "-q", "other")
            return seconds, visit.digest("clone", ignore=(".git",))

        cloned = attempt(clone, clone_it)
        yield cloned
        if cloned[1].error:
            yield from missing_its_input(self.cells, cloned)
            return
        yield attempt(status, status_thrice)
        yield attempt(checkout, checkout_other)


class Sqlite(Group):
    kind = "programs"
    name = "programs, sqlite3"

    def __init__(self, size):
        super().__init__(size)
        self.rows = size.pick(100, 500)
        self.expected_s = size.pick(0.8, 4)
        self.cells = [Cell(f"programs/sqlite_{mode}", "s") for mode in ("delete", "wal")]

    def why_not(self):
        return None if shutil.which("sqlite3") else "no sqlite3 here"

    def measure(self, visit):
        for cell in self.cells:
            yield attempt(cell, lambda cell=cell: self._insert(visit, cell.id.split("_")[1]))

    def _insert(self, visit, mode):
        """Each row is a transaction."""
        rows = "".join(f"INSERT INTO rows VALUES ({n}, 'row number {n}');\n" for n in range(self.rows))
        visit.run("sqlite3", f"{mode}.db", f"PRAGMA journal_mode={mode}; CREATE TABLE rows (number, filler);")
        seconds, _ = visit.run("sqlite3", f"{mode}.db", stdin="PRAGMA synchronous=FULL;\n" + rows)
        _, out = visit.run("sqlite3", f"{mode}.db", "PRAGMA integrity_check; SELECT count(*), sum(number) FROM rows;")
        return seconds, out.strip()


class CxxBuild(Group):
    kind = "programs"
    name = "programs, a C++ build"

    def __init__(self, size):
        super().__init__(size)
        self.units = size.pick(1, 12)
        self.expected_s = size.pick(1, 9)
        self.cells = [Cell("programs/cxx_build", "s")]

    def why_not(self):
        return None if shutil.which("g++") and shutil.which("make") else "no g++ and make here"

    def prepare(self, kept):
        sources.cxx_project(kept / "project", self.units, headers=150)

    def measure(self, visit):
        def build():
            seconds, _ = visit.run("make", "-s", "-j2", "-f", visit.kept / "project/Makefile")
            return seconds, visit.run(visit.work / "program")[1].strip()
        yield attempt(self.cells[0], build)


class Npm(Group):
    """npm ci, all of whose packages are in npm's cache."""
    kind = "programs"
    name = "programs, npm"
    expected_s = 5

    def __init__(self, size):
        super().__init__(size)
        self.cells = [Cell("programs/npm_ci", "s")]
        self.cache = SCRATCH / "npm-cache"
        self.packages = SCRATCH / "npm-packages"
        self.npm = ["npm", "--offline", "--no-audit", "--no-fund", "--no-update-notifier", "--cache", self.cache]

    def why_not(self):
        return None if shutil.which("npm") else "no npm here"

    def set_up(self):
        sources.npm_packages(self.packages, count=60)
        # Fills the cache, and writes the package-lock.json that `npm ci` goes by.
        private.sh(*self.npm, "install", cwd=self.packages, env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/"})
        shutil.rmtree(self.packages / "node_modules")
        give(SCRATCH, private.CALLER_ID)

    def measure(self, visit):
        def install():
            visit.run("cp", self.packages / "package.json", self.packages / "package-lock.json", ".")
            seconds, _ = visit.run(*self.npm, "ci")
            return seconds, visit.digest("node_modules", ignore=(".package-lock.json",))
        yield attempt(self.cells[0], install)


class Pgbench(Group):
    kind = "programs"
    name = "programs, pgbench"
    expected_s = 12

    def __init__(self, size):
        super().__init__(size)
        self.cells = [Cell("programs/pgbench", "tps", higher_is_better=True)]
        found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/pgbench"))
        self.bin = found[-1].parent if found else None

    def why_not(self):
        return None if self.bin else "no PostgreSQL here (scripts/bootstrap --bench)"

    def set_up(self):
        cluster = SCRATCH / "cluster"
        cluster.mkdir()
        give(cluster, private.CALLER_ID)
        as_user = {"user": private.CALLER_ID, "group": private.CALLER_ID, "extra_groups": []}
        private.sh(self.bin / "initdb", "-D", cluster, "-A", "trust", "--no-sync", cwd="/", **as_user)
        with open(cluster / "postgresql.conf", "a", encoding="ascii") as settings:
            settings.write(f"listen_addresses = ''\nunix_socket_directories = '{SCRATCH}'\n"
                           "autovacuum = off\nshared_buffers = 32MB\n")

    def prepare(self, kept):
        private.sh("cp", "-a", SCRATCH / "cluster", kept)

    def measure(self, visit):
        yield attempt(self.cells[0], lambda: self._transactions(visit))

    def _transactions(self, visit):
        visit.run("cp", "-a", visit.kept / "cluster", visit.work / "cluster")
        control = [self.bin / "pg_ctl", "-D", visit.work / "cluster", "-w", "-t", "30"]
        visit.run(*control, "-l", SCRATCH / "postgres.log", "start")
        try:
            connection = ["-h", SCRATCH, "-U", private.CALLER, "postgres"]
            visit.run(self.bin / "pgbench", "-q", "-i", "-s", "3", *connection)
            _, out = visit.run(self.bin / "pgbench", "-c", "2", "-j", "2", "-T", "4", *connection)
            # Every transaction adds the same to an account, a teller and a branch, and to the history.
            _, sums = visit.run(self.bin / "psql", "-At", "-c", "SELECT (SELECT sum(abalance) FROM pgbench_accounts) ="
                                "(SELECT sum(delta) FROM pgbench_history) AND (SELECT sum(tbalance) FROM "
                                "pgbench_tellers) = (SELECT sum(bbalance) FROM pgbench_branches)", *connection)
        finally:
            visit.run(*control, "-m", "fast", "stop")
        if sums.strip() != "t":
            raise CellFailure("the accounts do not add up")
        rates = [line for line in out.splitlines() if line.startswith("tps")]
        return float(rates[-1].split()[2])


def groups(size):
    chosen = [Trees(size), Git(size), Sqlite(size), CxxBuild(size)]
    return chosen if size.quick else [*chosen, Npm(size), Pgbench(size)]
