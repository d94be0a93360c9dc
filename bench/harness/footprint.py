"""What the processes of the mounted views take: memory of their own, descriptors, wake-ups."""
import os
import pathlib

from harness import private

_PROC = pathlib.Path("/proc")


class Processes:
    """Those that there are now: of each view the supervisor, the standby and the worker."""

    def __init__(self):
        self.numbers = private.processes("cvfsd")

    def private_bytes(self):
        """What would be given back if they ended: nothing that is shared with others, be it a page of the
        program. The state memory is the worker's, who alone touches most of it."""
        return sum(_field(line) for number in self.numbers
                   for line in (_PROC / str(number) / "smaps_rollup").read_text().splitlines()
                   if line.startswith("Private_")) * 1024

    def switches(self):
        """How often their threads were given a CPU."""
        return sum(_field(line) for number in self.numbers for task in (_PROC / str(number) / "task").iterdir()
                   for line in (task / "status").read_text().splitlines() if "ctxt_switches" in line)

    def descriptors(self):
        """Of the one that has most: a view's processes share them."""
        return max(len(os.listdir(_PROC / str(number) / "fd")) for number in self.numbers)

    def workers(self):
        return sum((_PROC / str(number) / "comm").read_text().strip() == "cvfsd-worker" for number in self.numbers)


def _field(line):
    return int(line.split()[1])
