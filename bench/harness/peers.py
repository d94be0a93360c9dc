"""What is compared: each peer serves a tree of its own on the common backing at the mount point.

A peer is mounted for its turn only, so that no daemon, cache or watch of another is there while it is
measured. All do the work of one user (private.CALLER_ID), and all run in the configuration that was
measured to be their fastest of those that do the work right.
"""
import contextlib
import os
import pathlib
import resource
import shutil
import subprocess
import time

from harness import backing, idmapped, private
from harness.private import CALLER_ID, T, TENANT, TENANT_ID, sh

TARGET = T / "mnt"
_ROOT = pathlib.Path(__file__).resolve().parents[2]
_PATIENCE_S = 10


class Peer:
    """One of them. `tree` is where its files are on the backing, `stored_id` whose they are there."""
    stored_id = CALLER_ID
    is_reference = False  # native and the kernel's: the others are FUSE filesystems
    is_cvfs = False

    def __init__(self, name, about, groups=None):
        self.name = name
        self.about = about    # for the report: how it is mounted
        self.groups = groups  # measured in these groups of cells only; None: in all
        self.tree = backing.MOUNTED / name.replace(" ", "-")

    def version(self):
        return ""

    def why_not(self):
        """Why it cannot be had on this machine, or None."""
        return None

    def prepare(self):
        self.tree.mkdir(mode=0o755)
        os.chown(self.tree, self.stored_id, self.stored_id)

    def mount(self):
        raise NotImplementedError

    def unmount(self):
        unmount(TARGET)

    @contextlib.contextmanager
    def mounted(self):
        self.mount()
        try:
            yield TARGET
        finally:
            self.unmount()


def unmount(target):
    """umount(8), with patience for what is just ending; then by force."""
    end = time.monotonic() + _PATIENCE_S
    while True:
        try:
            sh("umount", target)
            return
        except RuntimeError:
            if time.monotonic() > end:
                sh("umount", "-f", "-l", target)
                raise
            time.sleep(0.02)


class Native(Peer):
    is_reference = True

    def __init__(self):
        super().__init__("native", "bind mount of the directory")

    def mount(self):
        sh("mount", "--bind", self.tree, TARGET)


class Idmapped(Peer):
    """The kernel's own translation, where one range is enough: the limit."""
    stored_id = TENANT_ID
    is_reference = True

    def __init__(self):
        super().__init__("idmapped", "bind mount with MOUNT_ATTR_IDMAP: the kernel translates")

    def mount(self):
        idmapped.mount(self.tree, TARGET, TENANT_ID, CALLER_ID)


class View(Peer):
    stored_id = TENANT_ID
    is_cvfs = True

    def __init__(self, name, options="", groups=None):
        self.options = options
        options = f",{options}" if options else ""
        super().__init__(name, f"mount.cvfs -o userns=@dockremap{options}", groups)
        # Each variant has its own tenants' directory, so its own tree.
        self.tenants = backing.MOUNTED / name.replace(" ", "-")
        self.tree = self.tenants / f"user-{TENANT}"
        self.program = pathlib.Path(os.environ["CVFS_BIN"]) / "mount.cvfs"

    def version(self):
        return sh("git", "-C", _ROOT, "-c", "safe.directory=*", "describe", "--always", "--dirty").strip()

    def prepare(self):
        self.tenants.mkdir(mode=0o711)
        self.tree.mkdir(mode=0o700)
        os.chown(self.tree, self.stored_id, self.stored_id)
        self._try_out()

    def _try_out(self):
        with self.mounted():
            pass

    def mount(self, target=TARGET):
        options = f"containerdata={self.tenants},userns=@dockremap,log=error"
        if self.options:
            options += f",{self.options}"
        sh(self.program, TENANT, target, "-o", options)

    def unmount(self):
        super().unmount()
        wait_for_end("cvfsd")


def wait_for_end(name):
    """umount(8) returns before a daemon has seen it."""
    end = time.monotonic() + _PATIENCE_S
    while private.processes(name):
        if time.monotonic() > end:
            raise RuntimeError(f"{name} does not end after umount")
        time.sleep(0.002)


class Watched(Native):
    """The native directory while a view of another tree on the same backing watches it for changes:
    what cache=notify costs whoever works on the host."""

    def __init__(self):
        super().__init__()
        self.name = "native, watched"
        self.about = "bind mount of the directory, while an idle view with cache=notify is on the same backing"
        self.groups = {"micro"}
        self.tree = backing.MOUNTED / "watched"
        self.view = View("watching", "cache=notify")
        self.view_target = T / "watching"

    def prepare(self):
        super().prepare()
        self.view_target.mkdir()
        self.view.prepare()

    def mount(self):
        self.view.mount(self.view_target)
        super().mount()

    def unmount(self):
        super().unmount()
        unmount(self.view_target)
        wait_for_end("cvfsd")


class Daemon(Peer):
    """A FUSE filesystem that stays in the foreground as our child."""
    program = ""

    def __init__(self, name, options, groups=None):
        self.options = options
        super().__init__(name, "", groups)
        self.about = " ".join(str(word) for word in self.command()).replace(str(self.tree), "TREE").replace(
            str(TARGET), "DIR").replace(f"{_ROOT}/", "")
        self.process = None

    def command(self):
        raise NotImplementedError

    def why_not(self):
        return None if shutil.which(self.program) else f"no {self.program} here (scripts/bootstrap --bench)"

    def version(self):
        return _debian_version(self.program)

    def prepare(self):
        super().prepare()
        with self.mounted():
            pass

    def mount(self):
        before = os.stat(TARGET).st_dev
        with open(T / "daemon.log", "wb") as log:
            self.process = subprocess.Popen([str(word) for word in self.command()], stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, preexec_fn=_lift_limits)
        end = time.monotonic() + _PATIENCE_S
        while os.stat(TARGET).st_dev == before:
            if self.process.poll() is not None or time.monotonic() > end:
                self._end()
                said = (T / "daemon.log").read_text(errors="replace").strip()
                raise RuntimeError(f"{self.name} does not mount: {said[-300:]}")
            time.sleep(0.002)

    def unmount(self):
        try:
            super().unmount()
        finally:
            self._end()

    def _end(self):
        try:
            self.process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _lift_limits():
    # Some keep a descriptor for each inode. Not every root may raise the hard limit.
    most = int(pathlib.Path("/proc/sys/fs/nr_open").read_text())
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limit in (most, hard):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
            return


def _debian_version(package):
    try:
        return sh("dpkg-query", "-W", "-f", "${Version}", package)
    except RuntimeError:
        return "not Debian's"


class PassthroughHp(Daemon):
    """libfuse's example. It makes every file as itself, so it can serve one user only: it runs as that
    user, with what it needs of root to pass reads and writes through."""
    program = os.fspath(_ROOT / ".deps/bin/passthrough_hp")

    def command(self):
        return ["setpriv", "--reuid", CALLER_ID, "--regid", CALLER_ID, "--clear-groups",
                "--inh-caps", "+sys_admin", "--ambient-caps", "+sys_admin",
                self.program, "--foreground", "--nosplice", *self.options, self.tree, TARGET]

    def version(self):
        return "libfuse " + pathlib.Path(self.program + ".version").read_text().strip()


class Bindfs(Daemon):
    program = "bindfs"

    def command(self):
        return [self.program, "-f", *self.options, self.tree, TARGET]


class Mergerfs(Daemon):
    program = "mergerfs"

    def command(self):
        return [self.program, "-f", "-o", ",".join(self.options), self.tree, TARGET]


class FuseOverlayfs(Daemon):
    program = "fuse-overlayfs"

    def __init__(self, name, options):
        self.work = backing.MOUNTED / "fuse-overlayfs-work"
        super().__init__(name, options)

    def command(self):
        layers = f"lowerdir={T / 'empty'},upperdir={self.tree},workdir={self.work}"
        return [self.program, "-f", "-o", ",".join([layers, *self.options]), TARGET]

    def prepare(self):
        self.work.mkdir()
        super().prepare()


def all_peers(views):
    """In the order of the report. `views`: {name: options} of more variants of cvfs."""
    timeouts = ["attr_timeout=3600", "entry_timeout=3600", "negative_timeout=3600"]
    return [
        Native(),
        Idmapped(),
        View("cvfs"),
        View("cvfs passthrough=off", "passthrough=off", groups={"data"}),
        View("cvfs io_uring", "transport=io_uring", groups={"micro"}),
        *(View(name, options) for name, options in views.items()),
        PassthroughHp("passthrough_hp", ["-o", "allow_other"]),
        Bindfs("bindfs", ["-o", ",".join(timeouts)]),
        FuseOverlayfs("fuse-overlayfs", ["allow_other"]),
        Mergerfs("mergerfs", ["allow_other", "use_ino", "minfreespace=0", "cache.files=auto-full",
                              "cache.attr=3600", "cache.entry=3600", "cache.negative_entry=3600",
                              "cache.readdir=true", "cache.symlinks=true", "cache.statfs=3600"]),
        Watched(),
    ]
