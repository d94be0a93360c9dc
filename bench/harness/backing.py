"""The filesystem below all mounts: one for the whole run, new, on a loop device or in memory."""
import os

from harness import private
from harness.private import T, sh

MOUNTED = T / "backing"
KINDS = ("ext4", "xfs", "btrfs", "tmpfs")
_MKFS = {
    # Nothing is left to be initialised in the background while we measure.
    "ext4": ["mkfs.ext4", "-q", "-F", "-E", "nodiscard,lazy_itable_init=0,lazy_journal_init=0",
             "-i", "32768"],
    "xfs": ["mkfs.xfs", "-q", "-f", "-K"],
    "btrfs": ["mkfs.btrfs", "-q", "-f", "-K"],
}


def make(kind, gibibytes=16):
    """Mounts it, with a sparse image of that size. The kernel gives the loop device and the image back
    with the last mount of it."""
    MOUNTED.mkdir()
    if kind == "tmpfs":
        sh("mount", "-t", "tmpfs", "-o", "size=60%", "tmpfs", MOUNTED)
    else:
        image = private.images() / "image"
        with open(image, "wb") as file:
            file.truncate(gibibytes << 30)
        sh(*_MKFS[kind], image)
        sh("mount", "-o", "loop", image, MOUNTED)
        image.unlink()
    # Not even SIGKILL finds anything to leave behind from here on.
    private.images().rmdir()
    os.chmod(MOUNTED, 0o711)


def settle():
    """Writes out what is dirty, so that nobody pays for the one before."""
    sh("sync", "-f", MOUNTED)


def describe(kind):
    """Before it is made."""
    if kind == "tmpfs":
        return "tmpfs"
    below = sh("stat", "-f", "-c", "%T", private.images()).strip()
    return f"{kind} on a loop device (buffered), its image on {below}"
