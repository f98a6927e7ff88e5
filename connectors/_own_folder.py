"""Folders whose content is trusted, since nobody else may write there."""

import os
import stat
from pathlib import Path

from monitor.ports.errors import Malformed

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
