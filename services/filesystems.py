"""Which file system a folder is on: locks and renames are not to be trusted on network file systems."""

from pathlib import Path


def check(path: Path) -> None:
    """Raise NetworkFileSystem if `path` is on one."""
