"""Which mounts keep locks exclusive: two processes ask for the same one, by two ways to the same file; and
how long it takes until somebody who waits has what another one gives up.

A lock that both get is a lost update: whoever shares files between containers, or with the host, finds
out in production.
"""
import errno
import fcntl
import os
import select
import signal
import statistics
import struct
import time

_OFD_SETLK = 37  # fcntl.F_OFD_SETLK, which Python has from 3.9 on some systems only


def _posix(fd):
    fcntl.fcntl(fd, fcntl.F_SETLK, _whole_file())


def _ofd(fd):
    fcntl.fcntl(fd, _OFD_SETLK, _whole_file())


def _flock(fd):
    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _whole_file():
    """struct flock: an exclusive lock from 0 to the end."""
    return struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)


KINDS = {"fcntl": _posix, "OFD": _ofd, "flock": _flock}
WAYS = ("mount and mount", "mount, then backing", "backing, then mount")


def _in_child(action):
    """The child holds what action() gets until the returned function is called."""
    ready_read, ready_write = os.pipe()
    end_read, end_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(end_write)
        try:
            action()
            os.write(ready_write, b"+")
        except OSError as error:
            os.write(ready_write, b"-" + str(error.errno).encode())
        os.read(end_read, 1)
        os._exit(0)
    os.close(ready_write)
    os.close(end_read)
    answer = os.read(ready_read, 16)
    os.close(ready_read)

    def end():
        os.close(end_write)
        os.waitpid(pid, 0)
    return answer, end


def _exclusive(lock, first, second):
    """"exclusive", "both get it", or why there is no lock at all."""
    def take(path):
        def action():
            # Not closed: the child holds it until it ends.
            lock(os.open(path, os.O_RDWR | os.O_CREAT, 0o666))
        return action
    answer, end_first = _in_child(take(first))
    try:
        if answer[:1] != b"+":
            return f"refused: {errno.errorcode.get(int(answer[1:] or b'5'), '?')}"
        answer, end_second = _in_child(take(second))
        end_second()
        if answer[:1] == b"+":
            return "both get it"
        number = int(answer[1:] or b"0")
        return "exclusive" if number in (errno.EAGAIN, errno.EACCES) else f"refused: {errno.errorcode.get(number)}"
    finally:
        end_first()


_TURNS = 100
_PATIENCE_S = 5


def _wait_in_turns(path, go, got):
    """The child's part: waits for the lock each time that it is told to, and says when it has it, or (as a number
    below 0) why not."""
    while os.read(go, 1):
        try:
            fd = os.open(path, os.O_RDWR)
            fcntl.flock(fd, fcntl.LOCK_EX)
        except OSError as error:
            os.write(got, struct.pack("q", -error.errno))
            continue
        os.write(got, struct.pack("q", time.monotonic_ns()))
        os.close(fd)


def _hand_over(fd, go, got):
    """One turn, in ms; None: the other one has it before it is given up, or never. OSError: no lock is to be had."""
    fcntl.flock(fd, fcntl.LOCK_EX)
    os.write(go, b"+")
    if select.select([got], [], [], 0.003)[0]:
        number, = struct.unpack("q", os.read(got, 8))
        if number < 0:
            raise OSError(-number, os.strerror(-number))
        return None
    given_up = time.monotonic_ns()
    fcntl.flock(fd, fcntl.LOCK_UN)
    if not select.select([got], [], [], _PATIENCE_S)[0]:
        return None
    return (struct.unpack("q", os.read(got, 8))[0] - given_up) / 1e6


def hand_over(first, second):
    """The median of the ms that it takes; or why it is none."""
    go_read, go_write = os.pipe()
    got_read, got_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(go_write)
        _wait_in_turns(second, go_read, got_write)
        os._exit(0)
    fd = None
    try:
        fd = os.open(first, os.O_RDWR)
        took = []
        for _ in range(_TURNS):
            took.append(_hand_over(fd, go_write, got_read))
            if took[-1] is None:
                return "not exclusive"
        return statistics.median(took)
    except OSError as error:
        return f"refused: {errno.errorcode.get(error.errno, '?')}"
    finally:
        if fd is not None:
            os.close(fd)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        for end in (go_read, go_write, got_read, got_write):
            os.close(end)


def _make(tree, name):
    """A file that everybody may lock; made first, so that nobody waits for a name."""
    path = tree / name
    path.touch(mode=0o666)
    os.chmod(path, 0o666)
    status = os.stat(tree)
    os.chown(path, status.st_uid, status.st_gid)
    return path


def test(mount, tree):
    """{"fcntl, mount and mount": "exclusive", …} for a mount of `tree`."""
    ways = dict(zip(WAYS, ((mount, mount), (mount, tree), (tree, mount))))
    results = {}
    for kind, lock in KINDS.items():
        for way, (first, second) in ways.items():
            name = f"lock-{kind}-{way.replace(', ', '-').replace(' ', '-')}"
            path = _make(tree, name)
            results[f"{kind}, {way}"] = _exclusive(lock, first / name, second / name)
            path.unlink()
    for way, (first, second) in ways.items():
        name = f"hand-over-{way.replace(', ', '-').replace(' ', '-')}"
        path = _make(tree, name)
        results[f"hand-over, {way}"] = hand_over(first / name, second / name)
        path.unlink()
    return results


def hand_over_of(results, way):
    """In ms, or why there is none; "" in results of before this was measured."""
    return results.get(f"hand-over, {way}", "")


def failure(results, way):
    """"both get it: fcntl, flock", or "" if the lock is exclusive that way."""
    by_outcome = {}
    for kind in KINDS:
        by_outcome.setdefault(results[f"{kind}, {way}"], []).append(kind)
    by_outcome.pop("exclusive", None)
    return "; ".join(f"{outcome}: {', '.join(kinds)}" for outcome, kinds in by_outcome.items())
