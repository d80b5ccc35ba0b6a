"""Which file system a folder is on. On network file systems a lock may not hold on another machine, a rename
may not be seen at once, and an fsync may not mean the disk: the state folders are refused there.
"""

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from services.errors import NetworkFileSystem

_NETWORK = {
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "ncpfs",
    "afs",
    "coda",
    "afpfs",
    "webdav",
    "davfs",
    "drvfs",
}
_NETWORK |= {"ceph", "glusterfs", "lustre", "beegfs", "gpfs", "orangefs", "gfs2", "ocfs2"}
_NETWORK |= {
    f"fuse.{name}" for name in ("sshfs", "s3fs", "rclone", "gcsfuse", "glusterfs", "ceph", "mount-s3")
}
"""Their names in the mount tables of Linux and macOS."""

_ESCAPED = re.compile(r"\\([0-7]{3})")
_MACOS_LINE = re.compile(r"(?P<device>.*?) on (?P<point>/.*) \((?P<kind>[\w.]+)(?P<options>[^)]*)\)")


@dataclass(frozen=True, slots=True)
class Mount:
    """A line of the mount table."""

    device: str
    point: Path
    kind: str
    options: str

    @property
    def network(self) -> bool:
        """Whether the files are somewhere else. The Windows disks of WSL 2 are: they come over 9P."""
        return self.kind in _NETWORK or (self.kind == "9p" and "drvfs" in self.options)


def check(path: Path) -> None:
    """Raise NetworkFileSystem if `path`, which need not exist, is on one; what is unknown passes."""
    mount = find(path, table())
    if mount and mount.network:
        raise NetworkFileSystem(
            f"{path} is on {mount.device}, a network file system ({mount.kind}).", where={"path": str(path)}
        )


def find(path: Path, mounts: Iterable[Mount]) -> Mount | None:
    """The mount that holds `path`, links followed: the deepest, and of two on one point the later."""
    place = path.resolve()
    found: Mount | None = None
    for mount in mounts:
        holds = place == mount.point or mount.point in place.parents
        if holds and (found is None or len(mount.point.parts) >= len(found.point.parts)):
            found = mount
    return found


def table() -> list[Mount]:
    """What is mounted; empty where there is no way to know."""
    try:
        if sys.platform == "darwin":
            told = subprocess.run(["/sbin/mount"], capture_output=True, text=True, check=False, timeout=10)
            return list(parse_macos(told.stdout))
        return list(parse_linux(Path("/proc/self/mounts").read_text("utf-8", "surrogateescape")))
    except (OSError, subprocess.SubprocessError):
        return []


def parse_linux(text: str) -> Iterator[Mount]:
    """The mounts of /proc/self/mounts, see proc_pid_mounts(5): blanks in names are octal escapes."""
    for line in text.splitlines():
        fields = line.split(" ")
        if len(fields) >= 4:
            device, point = (_ESCAPED.sub(_unescape, field) for field in fields[:2])
            yield Mount(device, Path(point), fields[2], fields[3])


def parse_macos(text: str) -> Iterator[Mount]:
    """The mounts of `mount` on macOS: `device on /point (kind, options)`."""
    for line in text.splitlines():
        if match := _MACOS_LINE.fullmatch(line):
            yield Mount(match["device"], Path(match["point"]), match["kind"], match["options"])


def _unescape(match: re.Match[str]) -> str:
    return chr(int(match[1], 8))
