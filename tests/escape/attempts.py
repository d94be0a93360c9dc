"""attempts.py WHAT ARGUMENTS...: what a hostile process of a container tries, where one system call is not
enough for attempt(1). Prints a line for each try: what it was, and "ok" or the name of the errno."""
import ctypes
import errno
import fcntl
import mmap
import os
import struct
import sys

libc = ctypes.CDLL(None, use_errno=True)
AT_FDCWD, AT_EMPTY_PATH, RENAME_EXCHANGE = -100, 0x1000, 2


def outcome(call):
    try:
        return call() or "ok"
    except OSError as error:
        return errno.errorcode[error.errno]


def say(what, call):
    print(what, outcome(call), flush=True)


def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
    return None


def exchange(first, second):
    checked(libc.renameat2(AT_FDCWD, first.encode(), AT_FDCWD, second.encode(), RENAME_EXCHANGE))


def exchange_forever(first, second):
    """Two names change places until this process is killed."""
    while True:
        exchange(first, second)


# --- writing to a setid file in every way there is

def write_ways(directory):
    """Writes to directory/WAY, each file in another way."""
    def opened(way, flags=os.O_RDWR):
        return os.open(f"{directory}/{way}", flags)

    def by_copy(way):
        source = os.memfd_create("source")
        os.write(source, b"x" * 100)
        os.lseek(source, 0, os.SEEK_SET)
        return source, opened(way)

    def splice(way):
        ends = os.pipe()
        os.write(ends[1], b"x")
        os.splice(ends[0], opened(way), 1)

    def direct(way):
        buffer = mmap.mmap(-1, 4096)
        os.writev(opened(way, os.O_RDWR | os.O_DIRECT), [buffer])

    def sendfile(way):
        source, target = by_copy(way)
        os.sendfile(target, source, 0, 10)

    def copy_range(way):
        source = os.open(f"{directory}/source", os.O_RDONLY)
        os.copy_file_range(source, opened(way), 10)

    def held(way):
        file = opened(way)
        os.ftruncate(file, 1)

    ways = {
        "write": lambda way: os.write(opened(way), b"x"),
        "pwritev2": lambda way: os.pwritev(opened(way), [b"x"], 0, os.RWF_DSYNC),
        "append": lambda way: os.write(opened(way, os.O_WRONLY | os.O_APPEND), b"x"),
        "direct": direct,
        "splice": splice,
        "sendfile": sendfile,
        "copyrange": copy_range,
        "fallocate": lambda way: os.posix_fallocate(opened(way), 0, 8192),
        "truncate": lambda way: os.truncate(f"{directory}/{way}", 1),
        "ftruncate": held,
        "otrunc": lambda way: os.close(opened(way, os.O_WRONLY | os.O_TRUNC)),
    }
    for way, call in ways.items():
        say(way, lambda way=way, call=call: call(way) and None)


def make_setgid(directory):
    os.umask(0)

    def unnamed():
        file = os.open(directory, os.O_TMPFILE | os.O_RDWR, 0o2777)
        checked(libc.linkat(AT_FDCWD, f"/proc/self/fd/{file}".encode(), AT_FDCWD, f"{directory}/unnamed".encode(), 0x400))

    def changed():
        os.close(os.open(f"{directory}/changed", os.O_CREAT | os.O_RDWR, 0o777))
        os.chmod(f"{directory}/changed", 0o2777)

    say("created", lambda: os.close(os.open(f"{directory}/created", os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o2777)))
    say("node", lambda: os.mknod(f"{directory}/node", 0o102777))
    say("unnamed", unnamed)
    say("changed", changed)


# --- ioctls

DANGEROUS_IOCTLS = {
    "FIFREEZE": 0xC0045877, "FITHAW": 0xC0045878, "FITRIM": 0xC0185879,
    "EXT4_IOC_SHUTDOWN": 0x8004587D, "EXT4_IOC_SWAP_BOOT": 0x6611, "EXT4_IOC_MOVE_EXT": 0xC028660F,
    "EXT4_IOC_RESIZE_FS": 0x40086610, "EXT4_IOC_GROUP_ADD": 0x40286608, "EXT4_IOC_SETVERSION": 0x40086604,
    "FS_IOC_SETVERSION": 0x40087602, "FS_IOC_SETFSLABEL": 0x41009432, "FIBMAP": 1,
    "FS_IOC_SET_ENCRYPTION_POLICY": 0x800C6613, "FS_IOC_ENABLE_VERITY": 0x40806685,
    "BTRFS_IOC_SNAP_CREATE": 0x50009401, "BTRFS_IOC_SUBVOL_CREATE": 0x5000940E,
    "BTRFS_IOC_SNAP_DESTROY": 0x5000940F, "BTRFS_IOC_TREE_SEARCH": 0xD0009411,
    "XFS_IOC_GOINGDOWN": 0x8004587D, "XFS_IOC_SWAPEXT": 0xC0C0586D, "XFS_IOC_OPEN_BY_HANDLE": 0x4038586B,
    "FUSE_DEV_IOC_CLONE": 0x8004E500, "FUSE_DEV_IOC_BACKING_OPEN": 0x4010E501,
    "FUSE_DEV_IOC_BACKING_CLOSE": 0x4004E502, "BLKRRPART": 0x125F, "TIOCSTI": 0x5412,
    "LOOP_SET_FD": 0x4C00, "SIOCGIFCONF": 0x8912,
}


def ioctls(path):
    file = os.open(path, os.O_RDONLY)
    for name, number in DANGEROUS_IOCTLS.items():
        say(name, lambda number=number: fcntl.ioctl(file, number, bytearray(4096)) and None)


def fuse_backing_open():
    """As a program that has been given /dev/fuse."""
    device = os.open("/dev/fuse", os.O_RDWR)
    file = os.open("/etc/hostname", os.O_RDONLY)
    fcntl.ioctl(device, 0x4010E501, bytearray(struct.pack("iIQ", file, 0, 0)))


# --- xattrs

def xattrs(path):
    capability_v2 = struct.pack("<5I", 0x02000001, 1 << 21, 0, 0, 0)
    capability_v3_root = struct.pack("<6I", 0x03000001, 1 << 21, 0, 0, 0, 0)
    values = {
        "trusted.overlay.opaque": b"y", "trusted.overlay.redirect": b"/etc", "trusted.x": b"x",
        "trusted.cvfs.unclaimed": b"1", "trusted.cvfs.override_stat": b"0:0:4755:file",
        "security.selinux": b"system_u:object_r:bin_t:s0", "security.ima": b"\1", "security.evm": b"\2",
        "security.apparmor": b"unconfined", "security.SMACK64": b"_", "security.capability": capability_v2,
        "system.nfs4_acl": b"\0" * 8, "system.richacl": b"\0" * 8, "system.data": b"x", "btrfs.compression": b"zlib",
        "osx.x": b"x", "security.": b"x", "security.capabilit": b"x",
    }
    for name, value in values.items():
        say(name, lambda name=name, value=value: os.setxattr(path, name, value))
    say("version-3-of-root", lambda: os.setxattr(path, "security.capability", capability_v3_root))


def acl(*entries):
    body = b"".join(struct.pack("<HHI", tag, perm, identity) for tag, perm, identity in entries)
    return struct.pack("<I", 2) + body


def acls(path):
    none = 0xFFFFFFFF
    base = [(0x01, 7, none), (0x04, 7, none), (0x10, 7, none), (0x20, 7, none)]
    for identity in (0, 1, 1000, 65535, 65536, 70000, 165535, 200000, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF):
        for tag, name in ((0x02, "user"), (0x08, "group")):
            entries = sorted(base + [(tag, 7, identity)])
            say(f"{name}:{identity}", lambda entries=entries: os.setxattr(path, "system.posix_acl_access", acl(*entries)))
    for what, value in {"empty": b"", "short": b"\2\0\0", "version-1": struct.pack("<I", 1), "header": struct.pack("<I", 2),
                        "torn": acl(*base)[:-3], "huge": acl(*base) + b"\0" * 60000,
                        "no-owner": acl(*base[1:])}.items():
        say(what, lambda value=value: os.setxattr(path, "system.posix_acl_access", value))


# --- names

def links_of(outside, target):
    """A file outside that is open, or can only be named, under a name in the view."""
    for path in (f"{outside}/file", f"{outside}/secret"):
        say("link", lambda path=path: os.link(path, f"{target}/link"))
        say("rename", lambda path=path: os.rename(path, f"{target}/renamed"))
    held = os.open(f"{outside}/file", os.O_PATH)
    say("linkat-empty", lambda: checked(libc.linkat(held, b"", AT_FDCWD, f"{target}/link".encode(), AT_EMPTY_PATH)))
    say("linkat-proc", lambda: checked(libc.linkat(AT_FDCWD, f"/proc/self/fd/{held}".encode(), AT_FDCWD,
                                                   f"{target}/link".encode(), 0x400)))


def climb(directory, word):
    """From a working directory that somebody moves meanwhile: what stands above it, again and again."""
    os.chdir(directory)
    print("there", flush=True)
    seen = set()
    for _ in range(3000):
        for path in ("..", "../..", "../../..", "../../../../../..", "../../outside", "../../../user-titi"):
            try:
                seen.update(os.listdir(path))
            except OSError:
                pass
    print("escaped" if word in seen else "inside")


def walk_forever(path, word):
    """Reads path, whose directories others exchange, many times; never anything with the word in it."""
    reads = 0
    for _ in range(20000):
        try:
            with open(path) as file:
                reads += 1
                if word in file.read():
                    print("escaped")
                    return
        except OSError:
            pass
    print("inside")


def reopen(path):
    """What was opened for reading, for writing by way of /proc."""
    file = os.open(path, os.O_RDONLY)
    for name, flags in {"write": os.O_WRONLY, "readwrite": os.O_RDWR, "truncate": os.O_WRONLY | os.O_TRUNC}.items():
        say(name, lambda flags=flags: os.close(os.open(f"/proc/self/fd/{file}", flags)))
    say("chmod", lambda: os.chmod(f"/proc/self/fd/{file}", 0o6777))
    say("fchmod", lambda: os.fchmod(file, 0o6777))
    say("fchown", lambda: os.fchown(file, os.getuid(), -1))
    say("setxattr", lambda: os.setxattr(f"/proc/self/fd/{file}", "user.x", b"x"))
    say("truncate-path", lambda: os.truncate(f"/proc/self/fd/{file}", 0))


def clones_of(readable, secret, target):
    """Blocks of files outside, shared or copied into a file of the view: of one that can be read, and of one
    that can only be named (O_PATH)."""
    into = os.open(target, os.O_RDWR | os.O_CREAT)
    for kind, fd in (("readable", os.open(readable, os.O_RDONLY)), ("named", os.open(secret, os.O_PATH))):
        arguments = struct.pack("qQQQ", fd, 0, 0, 0)
        dedupe = struct.pack("QQHHIqQQiI", 0, 4096, 1, 0, 0, into, 0, 0, 0, 0)
        calls = {
            "FICLONE": lambda fd=fd: fcntl.ioctl(into, 0x40049409, fd) and None,
            "FICLONERANGE": lambda a=arguments: fcntl.ioctl(into, 0x4020940D, a) and None,
            "FIDEDUPERANGE": lambda fd=fd: fcntl.ioctl(fd, 0xC0189436, dedupe) and None,
        }
        if kind == "named":  # who can read it can copy it anywhere
            calls.update({
                "copy_file_range": lambda fd=fd: os.copy_file_range(fd, into, 100) and None,
                "sendfile": lambda fd=fd: os.sendfile(into, fd, 0, 100) and None,
                "mmap": lambda fd=fd: mmap.mmap(fd, 10, prot=mmap.PROT_READ) and None,
                "reopen": lambda fd=fd: os.close(os.open(f"/proc/self/fd/{fd}", os.O_RDONLY)),
            })
        for name, call in calls.items():
            say(f"{kind} {name}", call)


def keep_removed(directory, count):
    """Has files open, mapped and named (O_PATH), removes them, waits for a line, and says what it sees and
    can write by them then: others have made files meanwhile, with the same inode numbers."""
    kept, size = [], 4096
    for number in range(int(count)):
        path = f"{directory}/removed{number}"
        fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.write(fd, b"own".ljust(size, b"."))
        kept.append((number, fd, os.open(path, os.O_PATH), mmap.mmap(fd, size)))
        os.unlink(path)
        if number % 2:
            os.close(fd)  # the mapping and the name alone
    print("removed", flush=True)
    sys.stdin.readline()
    for number, fd, name, mapping in kept:
        seen = {mapping[:3]}
        mapping[:3] = b"OWN"
        mapping.flush()
        if not number % 2:
            seen.add(os.pread(fd, 3, 0))
            os.pwrite(fd, b"OWN", 0)
        try:
            again = os.open(f"/proc/self/fd/{name}", os.O_RDWR)
            seen.add(os.pread(again, 3, 0))
            os.pwrite(again, b"OWN", 0)
            os.close(again)
        except OSError as error:
            seen.add(errno.errorcode[error.errno].encode())
        if seen - {b"own", b"OWN"}:
            print("saw", seen, flush=True)


def idmap(path, namespace):
    """An idmapped mount of the view, with the ids of the user namespace `namespace`."""
    tree = libc.syscall(428, AT_FDCWD, path.encode(), 1)  # open_tree, OPEN_TREE_CLONE
    checked(tree)
    wanted = struct.pack("QQQQ", 0x00100000, 0, 0, os.open(namespace, os.O_RDONLY))  # MOUNT_ATTR_IDMAP
    checked(libc.syscall(442, tree, b"", AT_EMPTY_PATH, wanted, len(wanted)))


def handles(path):
    """What open_by_handle_at(2) would take, and one that is made up."""
    handle = ctypes.create_string_buffer(struct.pack("Ii", 128, 0), 136)
    mount = ctypes.c_int()
    say("name_to_handle_at", lambda: checked(libc.name_to_handle_at(AT_FDCWD, path.encode(), handle, ctypes.byref(mount), 0)))
    view = os.open(path, os.O_RDONLY)
    for node in range(1, 20):
        forged = ctypes.create_string_buffer(struct.pack("IiQI", 12, 0x81, node, 1), 136)
        say(f"forged {node}", lambda forged=forged: checked(libc.open_by_handle_at(view, forged, os.O_RDONLY)))


def processes(*pids):
    """The view's own processes, as /proc shows them."""
    for pid in pids:
        for name, call in {
                "exe": lambda pid=pid: os.close(os.open(f"/proc/{pid}/exe", os.O_RDONLY)),
                "root": lambda pid=pid: os.listdir(f"/proc/{pid}/root/") and None,
                "cwd": lambda pid=pid: os.listdir(f"/proc/{pid}/cwd/") and None,
                "fd": lambda pid=pid: os.listdir(f"/proc/{pid}/fd") and None,
                "mem": lambda pid=pid: os.close(os.open(f"/proc/{pid}/mem", os.O_RDWR)),
                "kill": lambda pid=pid: os.kill(int(pid), 15),
                "pidfd": lambda pid=pid: checked(libc.syscall(438, os.pidfd_open(int(pid)), 3, 0)),
        }.items():
            say(name, call)


def main():
    call = globals()[sys.argv[1]]
    result = outcome(lambda: call(*sys.argv[2:]))
    if result != "ok":
        print(result)


main()
