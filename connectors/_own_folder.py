"""Folders whose content is trusted, since nobody else may write there."""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from monitor.ports.errors import Malformed, Unavailable

OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def require(folder: Path, source: str) -> None:
    """Raise `Malformed` in the name of `source` unless nobody but this user (or root) can write into the folder."""
    try:
        status = folder.stat()
    except OSError as error:
        raise Malformed(source, f"cannot use the folder {folder}: {error.strerror}") from error
    if not stat.S_ISDIR(status.st_mode):
        raise Malformed(source, f"{folder} is no folder")
    if status.st_mode & OTHERS_WRITE or status.st_uid not in {os.geteuid(), 0}:
        raise Malformed(source, f"others can write into {folder}; make it ours alone: chmod go-w, chown")


@contextmanager
def alone(folder: Path, source: str) -> Iterator[None]:
    """Keep other processes out of the folder. Raises `Unavailable` where one is in it, and OSError."""
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Unavailable(source, f"another process is refreshing {folder}") from error
        yield
