"""Reading and writing files, by fio. One fio does all cells of a group, one after the other."""
import dataclasses
import json
import os
import shutil

from harness import private
from harness.cells import SCRATCH, Cell, CellFailure, Group, Measured

_JOBS = 4
_KNOWN = "verify-known"  # blocks with checksums, written past the mount


@dataclasses.dataclass(frozen=True)
class Load:
    """One cell: fio's words."""
    rw: str
    bs: str
    engine: str = "psync"
    how: str = "buffered"   # buffered, direct, mmap, fsync
    jobs: int = 1

    @property
    def name(self):
        return f"{self.how}-{self.engine}-{self.rw}-{self.bs}-{self.jobs}".replace("mmap-mmap", "mmap")

    def cell(self):
        return Cell(f"data/{self.how}/{self.engine}/{self.rw}-{self.bs}/{self.jobs}".replace("mmap/mmap", "mmap"),
                    "MB/s", higher_is_better=True)

    def section(self):
        lines = [f"[{self.name}]", "stonewall", "new_group", f"rw={self.rw}", f"bs={self.bs}",
                 f"ioengine={self.engine}", f"numjobs={self.jobs}", f"direct={int(self.how == 'direct')}"]
        if self.engine in ("libaio", "io_uring"):
            lines.append("iodepth=16")
        if self.how in ("buffered", "mmap") and "read" in self.rw:
            lines.append("pre_read=1")  # from the page cache: what is measured is the way there
        if self.how == "fsync":
            lines.append("fsync=1")
        return "\n".join(lines) + "\n"


_ALL = ("read", "write", "randread", "randwrite")
_SIZES = ("4k", "64k", "1M")


def _matrix(how, engine, jobs=(1, _JOBS)):
    return [Load(rw, bs, engine, how, n) for n in jobs for rw in _ALL for bs in _SIZES]


_FULL = {
    "buffered": _matrix("buffered", "psync"),
    "buffered, other engines": _matrix("buffered", "libaio", (1,)) + _matrix("buffered", "io_uring", (1,)),
    "O_DIRECT": _matrix("direct", "psync"),
    "O_DIRECT, libaio": _matrix("direct", "libaio"),
    "O_DIRECT, io_uring": _matrix("direct", "io_uring"),
    "mmap": _matrix("mmap", "mmap"),
    "fsync": [Load(rw, bs, "psync", "fsync", n) for n in (1, _JOBS)
              for rw, bs in (("write", "4k"), ("randwrite", "4k"), ("write", "64k"))],
}
_QUICK = {
    "a choice": [Load("read", "1M"), Load("write", "1M"), Load("randread", "4k"), Load("randwrite", "4k"),
                 Load("write", "64k", jobs=_JOBS), Load("randread", "64k", "libaio", "direct"),
                 Load("randwrite", "4k", "io_uring", "direct"), Load("randread", "4k", "mmap", "mmap"),
                 Load("randwrite", "4k", "psync", "fsync")],
}


class Data(Group):
    kind = "data"

    def __init__(self, size, name, loads):
        super().__init__(size)
        self.name = f"data, {name}"
        self.loads = {load.name: load for load in loads}
        self.cells = [load.cell() for load in loads]
        self.run_ms = size.pick(150, 250)
        self.file_mib = size.pick(16, 64)
        self.expected_s = 0.6 + len(loads) * (self.run_ms / 1000 + 0.1)

    def why_not(self):
        return None if shutil.which("fio") else "no fio here (scripts/bootstrap --bench)"

    def prepare(self, kept):
        for job in range(_JOBS):
            with open(kept / f"data.{job}", "wb") as file:
                for _ in range(self.file_mib):
                    file.write(os.urandom(1 << 20))
        private.sh("fio", *_verified(_KNOWN, kept), "--do_verify=0", cwd=SCRATCH)

    def measure(self, visit):
        try:
            results = self._run(visit)
        except CellFailure as failure:
            yield from ((cell, Measured(error=str(failure))) for cell in self.cells)
            return
        broken = self._engines_that_lie(visit) if visit.first else {}
        for name, load in self.loads.items():
            yield load.cell(), _measured(load, results.get(name), broken)

    def _run(self, visit):
        jobs = SCRATCH / "jobs.fio"
        jobs.write_text("\n".join([
            "[global]", "thread", "time_based", f"runtime={self.run_ms}ms", f"size={self.file_mib}m", "invalidate=0",
            "group_reporting", "randrepeat=1", "norandommap", f"directory={visit.kept}",
            "filename_format=data.$jobnum", "", *(load.section() for load in self.loads.values())]))
        output = SCRATCH / "fio.json"
        output.unlink(missing_ok=True)
        # It ends with an error if one of its jobs did, and goes on with the others.
        try:
            visit.run("fio", "--output-format=json", f"--output={output}", jobs)
        except CellFailure:
            if not output.exists():
                raise
        text = output.read_text()
        try:
            report = json.loads(text[text.index("{"):])
        except ValueError:
            raise CellFailure(f"fio: {text.strip().splitlines()[-1][:200] if text.strip() else 'no output'}") from None
        results = {}
        for job in report["jobs"]:
            results.setdefault(job["jobname"], job)
        return results

    def _engines_that_lie(self, visit):
        """{(engine, how, is it reading): what is wrong}. Blocks with checksums are written through the
        mount by each engine and looked for on the backing, and the other way round."""
        broken = {}
        for engine, how in sorted({(load.engine, load.how) for load in self.loads.values()}):
            name = f"verify-{engine}-{how}"
            through = [f"--ioengine={engine}", f"--direct={int(how == 'direct')}"]
            try:
                visit.run("fio", *_verified(name, visit.work), *through, "--do_verify=0", cwd=SCRATCH)
                # Below the mount, and so as root.
                private.sh("fio", *_verified(name, visit.tree / "work"), "--verify_only", cwd=SCRATCH)
            except (CellFailure, RuntimeError) as failure:
                broken[engine, how, False] = f"what it writes is not on the backing: {_first_line(failure)}"
            try:
                visit.run("fio", *_verified(_KNOWN, visit.kept), *through, "--verify_only", cwd=SCRATCH)
            except CellFailure as failure:
                broken[engine, how, True] = f"what it reads is not on the backing: {_first_line(failure)}"
        return broken


def _verified(name, directory):
    """fio's words for 2 MiB of blocks that each have their checksum."""
    # In this order: a filename before the directory is one in the current directory.
    return [f"--name={name}", f"--directory={directory}", f"--filename={name}", "--rw=randwrite", "--bs=4k",
            "--size=2m", "--verify=crc32c", "--verify_state_save=0", "--end_fsync=1", "--thread"]


def _first_line(failure):
    return str(failure).splitlines()[0][:150]


def _measured(load, job, broken):
    if job is None:
        return Measured(error="fio did not come to it")
    if job["error"]:
        return Measured(error=f"fio: {os.strerror(job['error'])}")
    is_reading = "read" in load.rw
    bytes_a_second = job["read" if is_reading else "write"]["bw_bytes"]
    if not bytes_a_second:
        return Measured(error="nothing was read or written")
    return Measured(value=bytes_a_second / 1e6, error=broken.get((load.engine, load.how, is_reading)))


def groups(size):
    return [Data(size, name, loads) for name, loads in size.pick(_QUICK, _FULL).items()]
