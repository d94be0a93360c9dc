#!/usr/bin/env python3
"""lock_counter.py FILE KIND SECONDS: counts up a number in FILE under a lock, again and again; prints how
often. Counts that were lost show that two held the lock at a time."""
import os
import sys
import time

from lock_agent import lock

path, kind, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
fd = os.open(path, os.O_RDWR)
count, end = 0, time.monotonic() + seconds
while time.monotonic() < end:
    lock(fd, kind, "write", "wait")
    number = int(os.pread(fd, 20, 0) or b"0")
    if count % 16 == 0:
        time.sleep(0.0005)
    os.pwrite(fd, b"%020d" % (number + 1), 0)
    if count % 50 == 49:
        os.close(fd)
        fd = os.open(path, os.O_RDWR)
    else:
        lock(fd, kind, "none", "try")
    count += 1
print(count)
