#!/usr/bin/env python3
"""lock_limits.py waits VIEW-FILE HOST-FILE | owners FILE: more locks than a view can have. Prints what came of
them, as `COUNT ANSWER` sorted, and whether all is as before afterwards."""
import collections
import errno
import os
import sys
import threading

from lock_agent import lock


def answer_of(*arguments):
    try:
        lock(*arguments)
        return "ok"
    except OSError as error:
        return errno.errorcode[error.errno]


def show(answers):
    print(", ".join(f"{count} {answer}" for answer, count in sorted(collections.Counter(answers).items())))


def waits(view, host, count=600):
    """Each for a byte of its own, so that no wait stands for another; all for the host."""
    holder = os.open(host, os.O_RDWR)
    lock(holder, "ofd", "write", "try")
    answers, others = [], threading.Lock()
    held_too_early = []

    def wait(byte):
        fd = os.open(view, os.O_RDWR)
        answer = answer_of(fd, "ofd", "write", "wait", byte, 1)
        with others:
            answers.append(answer)
            if answer == "ok" and not freed.is_set():
                held_too_early.append(byte)
        if answer == "ok":
            lock(fd, "ofd", "none", "try", byte, 1)
        os.close(fd)
    freed = threading.Event()
    threading.stack_size(64 << 10)
    threads = [threading.Thread(target=wait, args=(byte,)) for byte in range(count)]
    for thread in threads:
        thread.start()
    deadline = threading.Event()
    while len(answers) < count - 512 and not deadline.wait(0.05):
        pass
    deadline.wait(0.3)
    refused = list(answers)
    freed.set()
    lock(holder, "ofd", "none", "try")
    for thread in threads:
        thread.join()
    show(refused)
    show(answers)
    print("granted too early:", held_too_early)
    print("afterwards:", answer_of(holder, "ofd", "write", "try"))


def owners(path, count=700):
    fds, answers = [os.open(path, os.O_RDWR) for _ in range(count)], []
    for fd in fds:
        answers.append(answer_of(fd, "flock", "read", "try"))
    show(answers)
    print("who was refused holds nothing:", answer_of(fds[-1], "flock", "none", "try"))
    for fd in fds[:-1]:
        os.close(fd)
    print("afterwards:", answer_of(fds[-1], "flock", "write", "wait"))


if __name__ == "__main__":
    {"waits": waits, "owners": owners}[sys.argv[1]](*sys.argv[2:])
