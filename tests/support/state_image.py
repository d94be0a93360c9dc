#!/usr/bin/env python3
"""state_image.py PID FILE: writes what is in the state memory of a cvfsd, without its zeros, to FILE.

The format: "cvfsimg1", the memory's size (u64), and runs of 8-byte words that are not all zero: how
many words after the end of the last run (u32), how many words (u32), the words. Little endian.
Prints how many requests are at hand in it; the program should be stopped meanwhile.
"""
import os
import struct
import sys

WORD = 8
KEEP_TOGETHER = 2  # words of zeros that are cheaper within a run
JOURNAL = 3
JOURNAL_SLOTS = 256  # Journal::kSlots


def open_state(pid):
    folder = f"/proc/{pid}/fd"
    for name in os.listdir(folder):
        if os.readlink(f"{folder}/{name}").startswith("/memfd:cvfs-state"):
            return os.open(f"{folder}/{name}", os.O_RDONLY)
    sys.exit(f"state_image.py: process {pid} has no state memory")


def data_of(fd):
    """(offset, bytes) of what is not a hole, page by page joined."""
    size, at = os.fstat(fd).st_size, 0
    while True:
        try:
            at = os.lseek(fd, at, os.SEEK_DATA)
        except OSError:
            return
        end = os.lseek(fd, at, os.SEEK_HOLE)
        yield at, os.pread(fd, end - at, at)
        at = end
        if at >= size:
            return


def runs(fd):
    """[first word, bytes] of each run."""
    found = []
    for offset, data in data_of(fd):
        first = offset // WORD
        for i in range(0, len(data), WORD):
            word = data[i:i + WORD]
            if word == bytes(WORD):
                continue
            number = first + i // WORD
            gap = number - found[-1][0] - len(found[-1][1]) // WORD if found else None
            if gap is not None and gap <= KEEP_TOGETHER:
                found[-1][1] += bytes(gap * WORD) + word
            else:
                found.append([number, bytearray(word)])
    return found


def requests_at_hand(fd):
    """By the directory of layout 1: a record of the journal begins with the request's number."""
    page = os.pread(fd, 4096, 0)
    count, = struct.unpack_from("<I", page, 12)
    for i in range(count):
        kind, version, offset, size = struct.unpack_from("<IIQQ", page, 24 + 24 * i)
        if kind == JOURNAL and version != 0:
            data = os.pread(fd, size, offset)
            record = size // JOURNAL_SLOTS
            return sum(data[at:at + WORD] != bytes(WORD) for at in range(0, size, record))
    sys.exit("state_image.py: no journal in it")


def main():
    fd = open_state(sys.argv[1])
    end = 0
    with open(sys.argv[2], "wb") as image:
        image.write(b"cvfsimg1" + struct.pack("<Q", os.fstat(fd).st_size))
        for first, data in runs(fd):
            image.write(struct.pack("<II", first - end, len(data) // WORD) + data)
            end = first + len(data) // WORD
    print(requests_at_hand(fd))


if __name__ == "__main__":
    main()
