"""Network file systems are recognised in the mount tables of Linux and macOS."""

from pathlib import Path

import pytest

from services import filesystems
from services.filesystems import Mount

LINUX = r"""/dev/nvme0n1p2 / ext4 rw,relatime 0 0
proc /proc proc rw,nosuid 0 0
nas:/volume1/robots /srv/robots nfs4 rw,vers=4.2,addr=10.0.0.5 0 0
/dev/sdb1 /srv/robots/local\040disk xfs rw 0 0
//nas/logs /srv/logs cifs rw,vers=3.1.1 0 0
C:\134 /media/c 9p rw,dirsync,aname=drvfs;path=C:\134;uid=1000 0 0
share /media/vm 9p rw,trans=virtio 0 0
someone@host:/data /srv/ssh fuse.sshfs rw,user_id=1000 0 0
/dev/sdc1 /srv/twice ext4 rw 0 0
nas:/twice /srv/twice nfs rw 0 0
broken line
"""
MACOS = """/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
/dev/disk3s5 on /System/Volumes/Data (apfs, local, journaled, nobrowse)
//robot@nas._smb._tcp.local/logs on /Volumes/robot logs (smbfs, nodev, nosuid, mounted by robot)
map auto_home on /System/Volumes/Data/home (autofs, automounted, nobrowse)
nas:/export on /Volumes/nfs (nfs)
"""


@pytest.mark.parametrize(
    ("place", "kind", "network"),
    [
        ("/srv", "ext4", False),
        ("/srv/robots", "nfs4", True),
        ("/srv/robots/bagmill/workflows", "nfs4", True),
        ("/srv/robots2", "ext4", False),
        ("/srv/robots/local disk/workflows", "xfs", False),
        ("/srv/logs/x", "cifs", True),
        ("/media/c/Users", "9p", True),
        ("/media/vm/x", "9p", False),
        ("/srv/ssh", "fuse.sshfs", True),
        ("/srv/twice/x", "nfs", True),
    ],
)
def test_the_table_of_linux(place: str, kind: str, network: bool) -> None:
    mount = filesystems.find(Path(place), filesystems.parse_linux(LINUX))

    assert mount is not None
    assert (mount.kind, mount.network) == (kind, network)


@pytest.mark.parametrize(
    ("place", "kind", "network"),
    [
        ("/Applications", "apfs", False),
        ("/Volumes/robot logs/workflows", "smbfs", True),
        ("/Volumes/nfs", "nfs", True),
    ],
)
def test_the_table_of_macos(place: str, kind: str, network: bool) -> None:
    mount = filesystems.find(Path(place), filesystems.parse_macos(MACOS))

    assert mount is not None
    assert (mount.kind, mount.network) == (kind, network)


def test_links_are_followed(tmp_path: Path) -> None:
    far = tmp_path / "far"
    far.mkdir()
    (tmp_path / "near").symlink_to(far)
    mounts = [Mount("disk", Path("/"), "ext4", ""), Mount("nas:/x", far.resolve(), "nfs", "")]

    found = filesystems.find(tmp_path / "near" / "not" / "made yet", mounts)

    assert found is not None
    assert found.network


def test_the_temporary_folder_of_the_tests_is_accepted(tmp_path: Path) -> None:
    filesystems.check(tmp_path / "not" / "made" / "yet")


def test_what_no_table_knows_is_accepted() -> None:
    assert filesystems.find(Path("/x"), []) is None
