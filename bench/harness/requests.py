"""Requests an operation: what the kernel asks cvfs for when a program does something, by cvfs' own
counters. Exact, whatever the machine is busy with: unlike a time, a count tells when a lever is lost.
"""
import json
import os
import pathlib
import socket
import subprocess
import time

from harness.private import CALLER_ID

STEPS = 100
# When the kernel forgets is its business, and it interrupts nothing here.
_NOT_COUNTED = {"FORGET", "BATCH_FORGET", "INTERRUPT"}


class NoCounters(Exception):
    """This cvfs does not say what it answered."""


def _answered(target):
    """{"LOOKUP": how many so far, …} of the view."""
    program = pathlib.Path(os.environ["CVFS_BIN"]) / "cvfs"
    try:
        done = subprocess.run([program, "status", "--json", target], capture_output=True, text=True, check=True)
        by_opcode = json.loads(done.stdout)[0]["requests"]["by_opcode"]
    except (OSError, subprocess.CalledProcessError, ValueError, LookupError, TypeError) as failure:
        raise NoCounters(f"no requests by opcode from `cvfs status --json`: {failure}") from None
    return {name: count["answered"] for name, count in by_opcode.items() if name not in _NOT_COUNTED}


def _settled(target):
    """As _answered(), once nothing is on its way any more: a RELEASE follows its close(2)."""
    before = _answered(target)
    while True:
        time.sleep(0.03)
        now = _answered(target)
        if now == before:
            return now
        before = now


def of_operation(operation, view_target, directory):
    """{opcode: requests a step} of one operation, done STEPS times as the user in a new directory."""
    child = _Child(lambda: _prepared(operation, directory))
    try:
        child.prepared()
        before = _settled(view_target)
        child.go_on()
        after = _settled(view_target)
    finally:
        child.end()
    counts = {name: count - before.get(name, 0) for name, count in after.items()}
    return {name: count / STEPS for name, count in sorted(counts.items()) if count}


def _prepared(operation, directory):
    os.setgroups([])
    os.setgid(CALLER_ID)
    os.setuid(CALLER_ID)
    os.mkdir(directory)
    # From here on names are looked up one at a time.
    os.chdir(directory)
    state = operation.prepare()

    def steps():
        for step in range(STEPS):
            operation.step(state, step)
    return steps


class _Child:
    """A process that prepares itself, waits, does the steps, and stays until the end: what it has open
    is not closed before the last look."""

    def __init__(self, prepare):
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._pid = os.fork()
        if self._pid == 0:
            self._ours.close()
            code = 1
            try:
                steps = prepare()
                theirs.send(b"+")
                theirs.recv(1)
                steps()
                theirs.send(b"+")
                theirs.recv(1)
                code = 0
            except Exception as failure:  # pylint: disable=broad-except
                theirs.send(f"-{failure}".encode())
            finally:
                os._exit(code)
        theirs.close()

    def prepared(self):
        self._expect_success()

    def go_on(self):
        self._ours.send(b".")
        self._expect_success()

    def end(self):
        self._ours.close()
        os.waitpid(self._pid, 0)

    def _expect_success(self):
        answer = self._ours.recv(4096)
        if answer != b"+":
            raise RuntimeError(answer[1:].decode() or "the process died")

