#!/usr/bin/env python3
"""probe_access.py PATH...: what this process can do with each: a line of JSON of `cvfs explain`'s words.

By doing it (and undoing it), not by access(2).
"""
import json
import os
import stat
import sys


def can(deed):
    try:
        deed()
        return True
    except OSError:
        return False


def open_and_close(path, flags):
    os.close(os.open(path, flags))


def create(path):
    name = f"{path}/probe"
    open_and_close(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    os.unlink(name)


def enter(path):
    here = os.open(".", os.O_PATH)
    try:
        os.chdir(path)
        os.fchdir(here)
    finally:
        os.close(here)


def remove(path):
    os.rename(path, path + ".probe")
    os.rename(path + ".probe", path)


def probe(path, is_directory):
    if is_directory:
        found = {"list": can(lambda: os.listdir(path)),
                 "create": can(lambda: create(path)),
                 "enter": can(lambda: enter(path))}
    else:
        found = {"read": can(lambda: open_and_close(path, os.O_RDONLY)),
                 "write": can(lambda: open_and_close(path, os.O_WRONLY)),
                 "run": os.access(path, os.X_OK)}
    found["remove"] = can(lambda: remove(path))
    return found


for argument in sys.argv[1:]:
    kind, file = argument.split(":", 1)
    print(json.dumps({"path": file, "access": probe(file, kind == "d")}, sort_keys=True))
