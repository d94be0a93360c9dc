"""A private machine: process and mount namespaces of our own, in which nothing outlives the run.

Mounts, daemons, loop devices and everything in memory go with the namespaces, however the run ends;
the directory of the backing's image is removed by the outer process. As many at once as you like.
"""
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import sys
import tempfile

_INSIDE = "CVFS_BENCH_IMAGES"  # set inside only: the directory for images
T = pathlib.Path("/run/cvfs-bench")

TENANT = "toto"
TENANT_ID = 1500
# Container root of `dockremap`: who does the work, and whom all files are to belong to.
CALLER = "bench"
CALLER_ID = 100000


def is_inside():
    return _INSIDE in os.environ


def images():
    """Where an image may lie: on the machine's disk, or where --image-dir says."""
    return pathlib.Path(os.environ[_INSIDE])


def run_inside(script, arguments, image_dir):
    """Runs the script again in there, with the same arguments; returns its exit code."""
    if os.geteuid() != 0:
        sys.exit("bench: only root may mount")
    directory = tempfile.mkdtemp(prefix="cvfs-bench-", dir=image_dir)
    # bash is process 1, as somebody has to reap the daemons; `exit` keeps it from becoming Python.
    command = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child",
               "--mount-proc", "--propagation", "private", "bash", "-c", '"$@"; exit $?', "bash",
               sys.executable, "-B", os.fspath(script), *arguments]
    inner = None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _raise_exit)
    try:
        # A session of its own: Ctrl-C is for us to pass on.
        inner = subprocess.Popen(command, env={**os.environ, _INSIDE: directory},
                                 start_new_session=True)
        return inner.wait()
    finally:
        if inner is not None:
            inner.kill()
            inner.wait()
        shutil.rmtree(directory, ignore_errors=True)


def _raise_exit(number, _frame):
    # Whatever else is to be done is done on the way out: Popen.wait() cannot be called from here.
    sys.exit(128 + number)


def sh(*command, **more):
    """A tool of the machine; its message is the exception's if it fails."""
    done = subprocess.run([str(word) for word in command], text=True, capture_output=True,
                          check=False, **more)
    if done.returncode != 0:
        said = (done.stderr + done.stdout).strip() or f"exit code {done.returncode}"
        raise RuntimeError(f"{os.path.basename(os.fspath(command[0]))}: {said}")
    return done.stdout


def furnish():
    """The directories and users that the run needs, in memory. Called once, inside."""
    os.umask(0o022)
    sh("mount", "-t", "tmpfs", "-o", "mode=0755,size=50%", "tmpfs", "/run")
    T.mkdir()
    for name in ("etc-upper", "etc-work", "scratch", "mnt", "empty"):
        (T / name).mkdir()
    os.chown(T / "scratch", CALLER_ID, CALLER_ID)
    sh("mount", "-t", "overlay", "-o",
       f"lowerdir=/etc,upperdir={T}/etc-upper,workdir={T}/etc-work", "overlay", "/etc")
    _write_users()
    # On most machines only root may open it, and passthrough_hp runs as the user.
    os.mknod(T / "fuse", stat.S_IFCHR | 0o666, os.stat("/dev/fuse").st_rdev)
    os.chmod(T / "fuse", 0o666)
    sh("mount", "--bind", T / "fuse", "/dev/fuse")
    os.environ["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def _write_users():
    users = [(TENANT, TENANT_ID, 200000), ("dockremap", 990, CALLER_ID), (CALLER, CALLER_ID, None)]
    ours = {str(number) for _, number, _ in users} | {name for name, _, _ in users}
    for file, line in (("passwd", "{0}:*:{1}:{1}::{2}:/bin/sh"), ("group", "{0}:*:{1}:")):
        path = pathlib.Path("/etc") / file
        others = [old for old in path.read_text().splitlines() if not ours & set(old.split(":")[:3:2])]
        lines = others + [line.format(name, number, T / "scratch") for name, number, _ in users]
        path.write_text("\n".join(lines) + "\n")
    ranges = "".join(f"{name}:{first}:65536\n" for name, _, first in users if first)
    for file in ("subuid", "subgid"):
        pathlib.Path("/etc", file).write_text(ranges)


def drop_caches():
    """Names, attributes and pages of all filesystems. Twice: what a daemon had open can only go once
    the kernel has told it to forget."""
    for _ in range(2):
        os.sync()
        pathlib.Path("/proc/sys/vm/drop_caches").write_text("3")
        subprocess.run(["sleep", "0.05"], check=True)


def processes(name):
    """The ids of the private machine's processes that are called so, or NAME-something."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if (entry / "comm").read_text().strip().split("-")[0] == name:
                    found.append(int(entry.name))
            except OSError:
                continue
    return found
