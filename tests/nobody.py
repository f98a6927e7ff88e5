"""A user who may read what this one wrote, and may not write it."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NOBODY = 65534


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can reach and read (pytest's own are closed), and only this user can write."""
    folder = Path(tempfile.mkdtemp(prefix="mcp-monitor-"))
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@contextmanager
def as_nobody(*folders: Path) -> Iterator[None]:
    """Be without the right to write: root becomes nobody for a while; anybody else takes the right from the folders and their files."""
    if os.geteuid() == 0:
        os.seteuid(NOBODY)
        try:
            yield
        finally:
            os.seteuid(0)
        return
    closed = [*folders, *(file for folder in folders for file in folder.iterdir())]
    for path in closed:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        yield
    finally:
        for path in closed:
            path.chmod(0o755 if path.is_dir() else 0o644)
