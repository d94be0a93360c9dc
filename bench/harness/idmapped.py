"""A bind mount whose ids the kernel translates: mount_setattr(2) with MOUNT_ATTR_IDMAP.

mount(8) knows X-mount.idmap only since util-linux 2.39, so the system calls are made here.
"""
import ctypes
import os
import struct
import subprocess
import time

_libc = ctypes.CDLL(None, use_errno=True)
# The same numbers on every architecture.
_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR = 428, 429, 442
_AT_FDCWD, _AT_EMPTY_PATH = -100, 0x1000
_OPEN_TREE_CLONE, _OPEN_TREE_CLOEXEC = 1, os.O_CLOEXEC
_MOVE_MOUNT_F_EMPTY_PATH = 4
_MOUNT_ATTR_IDMAP = 0x00100000


def _call(name, number, *arguments):
    result = _libc.syscall(number, *arguments)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")
    return result


def _user_namespace(on_disk, shown, count):
    """A descriptor of one that maps ids on disk to those that are shown."""
    # The process only holds it; the mount keeps it afterwards.
    holder = subprocess.Popen(["unshare", "--user", "sleep", "60"])
    try:
        ours = os.readlink("/proc/self/ns/user")
        while os.readlink(f"/proc/{holder.pid}/ns/user") == ours:
            time.sleep(0.002)
        for file in ("uid_map", "gid_map"):
            with open(f"/proc/{holder.pid}/{file}", "w", encoding="ascii") as ids:
                ids.write(f"{on_disk} {shown} {count}")
        return os.open(f"/proc/{holder.pid}/ns/user", os.O_RDONLY)
    finally:
        holder.kill()
        holder.wait()


def mount(source, target, on_disk, shown, count=1):
    namespace = _user_namespace(on_disk, shown, count)
    tree = _call("open_tree", _OPEN_TREE, _AT_FDCWD, os.fsencode(source),
                 _OPEN_TREE_CLONE | _OPEN_TREE_CLOEXEC)
    try:
        # struct mount_attr: attr_set, attr_clr, propagation, userns_fd
        attributes = struct.pack("=QQQQ", _MOUNT_ATTR_IDMAP, 0, 0, namespace)
        _call("mount_setattr", _MOUNT_SETATTR, tree, b"", _AT_EMPTY_PATH, attributes, len(attributes))
        _call("move_mount", _MOVE_MOUNT, tree, b"", _AT_FDCWD, os.fsencode(target),
              _MOVE_MOUNT_F_EMPTY_PATH)
    finally:
        os.close(tree)
        os.close(namespace)
