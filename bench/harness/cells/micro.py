"""Single operations, by the program bench_micro."""
import json
import os
import pathlib

from harness import private
from harness.cells import Cell, CellFailure, Group, Measured

WARM = ("open_close", "pread_4k", "pwrite_4k", "getattr", "lock_unlock", "flock_unlock", "create", "create_excl",
        "unlink", "rename", "mkdir", "rmdir", "symlink", "link", "stat_warm", "stat_missing", "chmod",
        "xattr_get")
LISTING = ("readdir_warm",)
COLD = ("stat_cold", "readdir_cold")


class Micro(Group):
    kind = "micro"

    def __init__(self, size, threads):
        super().__init__(size)
        self.threads = threads
        self.name = f"micro, {threads} thread{'s' if threads > 1 else ''}"
        self.expected_s = size.pick(1.5, 8) * (1 if threads == 1 else 1.5)
        # All threads together make as many files as one does.
        self.scale = size.pick(0.15, 1.0) / threads
        self.limit_ms = size.pick(120, 500)
        self.cold = COLD if threads == 1 else ()
        self.cells = [Cell(f"micro/{operation}/{threads}", "us") for operation in WARM + LISTING + self.cold]

    @property
    def program(self):
        """Of a build, which the names of the groups do without."""
        return pathlib.Path(os.environ["CVFS_BIN"]) / "bench_micro"

    def measure(self, visit):
        yield from self._lines(visit, self._run(visit, WARM))
        self._spare_descriptors()
        yield from self._lines(visit, self._run(visit, LISTING))
        if self.cold:
            self._spare_descriptors()
            self._run(visit, self.cold, "prepare")
            for operation in self.cold:
                private.drop_caches()
                yield from self._lines(visit, self._run(visit, [operation], "run"))

    def _spare_descriptors(self):
        """A peer that has one for each inode that the kernel knows would be at its limit soon."""
        if not self.size.quick:
            private.drop_caches()

    def _run(self, visit, operations, phase="all"):
        try:
            return visit.run(self.program, "--dir", visit.work, "--ops", ",".join(operations), "--phase", phase,
                             "--threads", str(self.threads), "--scale", str(self.scale),
                             "--limit-ms", str(self.limit_ms))[1]
        except CellFailure as failure:
            return "".join(json.dumps({"op": operation, "error": str(failure)}) + "\n"
                           for operation in operations)

    def _lines(self, visit, output):
        cells = {cell.id: cell for cell in self.cells}
        for line in map(json.loads, output.splitlines()):
            cell = cells[f"micro/{line['op']}/{self.threads}"]
            if "error" in line:
                yield cell, Measured(error=line["error"])
                continue
            work, error = None, None
            try:
                if not line["cut"]:
                    work = visit.digest(f"{line['op']}-{self.threads}t")
            except CellFailure as failure:
                error = str(failure)
            # By several threads: the time between two operations that are done, whoever did them.
            yield cell, Measured(value=line["seconds"] / line["units"] * 1e6, cut=line["cut"], work=work, error=error)


def groups(size):
    return [Micro(size, 1), Micro(size, 4)]
