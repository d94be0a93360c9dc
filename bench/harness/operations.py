"""What bench/guard does to count requests: each step is as few system calls as it can be.

An operation works in the current directory, which is new. `prepare` returns what `step` gets, with
everything looked up that is to be cached.
"""
import dataclasses
import fcntl
import os
import stat
import time
from typing import Any, Callable

from harness.requests import STEPS

_BLOCK = b"x" * 4096


@dataclasses.dataclass
class Operation:
    prepare: Callable[[], Any]
    step: Callable[[Any, int], Any]


def _name(step):
    return f"entry-{step}"


def _nothing():
    return None


def _file():
    """One with 4 blocks, open, its pages in the cache and its attributes known."""
    fd = os.open("file", os.O_RDWR | os.O_CREAT, 0o644)
    for block in range(4):
        os.pwrite(fd, _BLOCK, block * 4096)
    os.pread(fd, 4 * 4096, 0)
    os.stat("file")
    return fd


def _closed_file():
    os.close(_file())
    os.stat("file")


def _many(make):
    def prepare():
        for step in range(STEPS):
            make(_name(step))
            os.lstat(_name(step))
    return prepare


def _make_file(name):
    os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))


def _create(_state, step):
    os.close(os.open(_name(step), os.O_WRONLY | os.O_CREAT, 0o644))


def _missing():
    """A name that the kernel knows to be missing."""
    _expect_missing(None, 0)


def _all_missing():
    for step in range(STEPS):
        _stat_missing(_name(step))


def _stat_missing(name):
    try:
        os.stat(name)
    except FileNotFoundError:
        return
    raise RuntimeError(f"{name} is there")


def _expect_missing(_state, _step):
    _stat_missing("missing")


def _open_and_close(_state, _step):
    os.close(os.open("file", os.O_RDONLY))


def _open_read_close(_state, _step):
    fd = os.open("file", os.O_RDONLY)
    os.pread(fd, 4096, 0)
    os.close(fd)


def _lock(fd, _step):
    fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    fcntl.lockf(fd, fcntl.LOCK_UN)


def _flock(fd, _step):
    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    fcntl.flock(fd, fcntl.LOCK_UN)


def _write_and_stat(fd, _step):
    os.pwrite(fd, _BLOCK, 0)
    os.fstat(fd)


def _directory_of_20():
    for entry in range(20):
        _make_file(f"entry-{entry}")
    os.listdir(".")


def _list(_state, _step):
    """The kernel says after close(2) that nobody reads the directory any more, and only who is alone has its
    listing kept: what is counted is one reader after the other, however late a busy machine says so."""
    os.listdir(".")
    time.sleep(0.005)


def _file_with_xattr():
    fd = _file()
    os.setxattr(fd, "user.bench", b"value")
    return fd


OPERATIONS = {
    "open_close": Operation(_closed_file, _open_and_close),
    "open_read_close": Operation(_closed_file, _open_read_close),
    "create": Operation(_nothing, _create),
    "create_excl": Operation(_nothing, lambda _, step: _make_file(_name(step))),
    "create_known_missing": Operation(_all_missing, _create),
    "unlink": Operation(_many(_make_file), lambda _, step: os.unlink(_name(step))),
    "rename": Operation(_many(_make_file), lambda _, step: os.rename(_name(step), f"new-{step}")),
    "mkdir": Operation(_nothing, lambda _, step: os.mkdir(_name(step))),
    "rmdir": Operation(_many(os.mkdir), lambda _, step: os.rmdir(_name(step))),
    "symlink": Operation(_nothing, lambda _, step: os.symlink("target", _name(step))),
    "readlink": Operation(lambda: os.symlink("target", "link") or os.readlink("link"),
                          lambda _, step: os.readlink("link")),
    "link": Operation(_closed_file, lambda _, step: os.link("file", _name(step))),
    "mknod": Operation(_nothing, lambda _, step: os.mknod(_name(step), stat.S_IFREG | 0o644)),
    "chmod": Operation(_closed_file, lambda _, step: os.chmod("file", 0o600 + step % 8)),
    "truncate": Operation(_file, lambda fd, step: os.ftruncate(fd, step)),
    "utimes": Operation(_closed_file, lambda _, step: os.utime("file", (step, step))),
    "stat_cached": Operation(_closed_file, lambda _, step: os.stat("file")),
    "stat_missing_cached": Operation(_missing, _expect_missing),
    "access_cached": Operation(_closed_file, lambda _, step: os.access("file", os.R_OK)),
    "statfs": Operation(_file, lambda fd, step: os.fstatvfs(fd)),
    "pread_4k": Operation(_file, lambda fd, step: os.pread(fd, 4096, step % 4 * 4096)),
    "pwrite_4k": Operation(_file, lambda fd, step: os.pwrite(fd, _BLOCK, step % 4 * 4096)),
    "pwrite_4k_fstat": Operation(_file, _write_and_stat),
    "append_4k": Operation(_file, lambda fd, step: os.pwrite(fd, _BLOCK, (4 + step) * 4096)),
    "fsync": Operation(_file, lambda fd, step: os.fsync(fd)),
    "readdir_20": Operation(_directory_of_20, _list),
    "getxattr": Operation(_file_with_xattr, lambda fd, step: os.getxattr(fd, "user.bench")),
    "lock_unlock": Operation(_file, _lock),
    "flock_unlock": Operation(_file, _flock),
}
