"""Cells: what is measured. A cell is one line of the table; a group of cells is measured together, in
one visit to each mount after the other.
"""
import dataclasses
import hashlib
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import time

from harness.private import CALLER_ID, T, sh

SCRATCH = T / "scratch"


@dataclasses.dataclass(frozen=True)
class Cell:
    id: str                        # "micro/create/1"
    unit: str                      # "us", "MB/s", "s", "tps"
    higher_is_better: bool = False


@dataclasses.dataclass
class Measured:
    value: float | None = None
    error: str | None = None       # the work failed, or was not done right
    cut: bool = False              # ended by the clock: fewer steps than asked for, each done right
    work: str | None = None        # what was done: the same for all mounts


class CellFailure(Exception):
    """The work was not done, or not right."""


@dataclasses.dataclass
class Size:
    """How much work: for a few minutes (quick), or for figures worth keeping."""
    quick: bool

    def pick(self, quick, full):
        return quick if self.quick else full


@dataclasses.dataclass
class Visit:
    """One mount's turn. `target` is the mount, `tree` the same directory on the backing; `work` in
    both is empty at first, `kept` holds what Group.prepare() made for all visits to this mount."""
    target: pathlib.Path
    tree: pathlib.Path
    stored_id: int
    first: bool    # results are compared in the first visit only
    patience_s: float

    @property
    def work(self):
        return self.target / "work"

    @property
    def kept(self):
        return self.target / "kept"

    def run(self, *command, cwd=None, stdin=None, **environment):
        """Runs it as the user; returns (seconds, stdout). CellFailure if it fails or takes too long."""
        # C's messages, no settings of the machine's users.
        environment = {"PATH": os.environ["PATH"], "HOME": os.fspath(SCRATCH), "LC_ALL": "C", "TZ": "UTC",
                       "GIT_CONFIG_NOSYSTEM": "1", **environment}
        start = time.perf_counter()
        process = subprocess.Popen(
            [str(word) for word in command], cwd=cwd or self.work, env=environment,
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, user=CALLER_ID, group=CALLER_ID, extra_groups=[], start_new_session=True)
        try:
            out, err = process.communicate(stdin.encode() if stdin else None, self.patience_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise CellFailure(f"not done after {self.patience_s:.0f} s") from None
        seconds = time.perf_counter() - start
        if process.returncode != 0:
            said = (err or out).decode(errors="replace").strip().splitlines() or ["no message"]
            raise CellFailure(f"{os.path.basename(os.fspath(command[0]))}: {said[0][:200]}")
        return seconds, out.decode(errors="replace")

    def digest(self, name, contents=True, ignore=()):
        """What is on the backing below work/NAME, in the first visit: two that did the same work have
        the same. Whose it is must be right, too."""
        if not self.first:
            return None
        sh("sync", "-f", self.target)  # some write later
        return digest(self.tree / "work" / name, self.stored_id, contents, ignore)


def digest(root, owner, contents=True, ignore=()):
    summary = hashlib.sha256()
    for path in _walk(root):
        name = os.path.relpath(path, root)
        # fuse-overlayfs' own marks in its upper layer.
        if name.startswith(tuple(ignore)) or os.path.basename(name).startswith(".wh."):
            continue
        status = os.lstat(path)
        if (status.st_uid, status.st_gid) != (owner, owner):
            raise CellFailure(f"{name} belongs to {status.st_uid}:{status.st_gid} on disk, not to {owner}:{owner}")
        line = [name, oct(status.st_mode)]
        if not stat.S_ISDIR(status.st_mode):
            line += [status.st_nlink, status.st_size]
        summary.update(repr(line).encode())
        if stat.S_ISLNK(status.st_mode):
            summary.update(os.fsencode(os.readlink(path)))
        if contents and stat.S_ISREG(status.st_mode):
            summary.update(pathlib.Path(path).read_bytes())
    return summary.hexdigest()[:16]


def _walk(root):
    for directory, directories, files in os.walk(root):
        directories.sort()
        for name in sorted(directories + files):
            yield os.path.join(directory, name)


def give(path, owner):
    """Makes the user's what root has put into a tree on the backing."""
    sh("chown", "-R", "--no-dereference", f"{owner}:{owner}", path)


def empty(path):
    if path.exists():
        shutil.rmtree(path)


class Group:
    """Cells that are measured in one visit."""
    name = ""           # "micro, 1 thread"
    kind = ""           # "micro", "data" or "programs": what Peer.groups and --only speak of
    expected_s = 5.0    # of a visit, until it is known

    def __init__(self, size):
        self.size = size
        self.cells = []

    def why_not(self):
        """Why it cannot be measured on this machine, or None."""
        return None

    def set_up(self):
        """Makes what all mounts use, in SCRATCH. Once."""

    def prepare(self, kept):
        """Puts into an empty directory, on the backing, what visits find in `kept`. Once a mount."""

    def measure(self, visit):
        """Yields (cell, Measured) of each cell, whatever fails."""
        raise NotImplementedError


def attempt(cell, action):
    """(cell, Measured) of action(), which returns (value, work) or a value, or raises CellFailure."""
    try:
        result = action()
    except (CellFailure, OSError) as failure:
        return cell, Measured(error=str(failure))
    value, work = result if isinstance(result, tuple) else (result, None)
    return cell, Measured(value=value, work=work)
