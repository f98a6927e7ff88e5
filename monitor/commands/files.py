"""Writing files that somebody else may read at any moment: whole, or not at all."""

import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile

from monitor.ending import ExitCode, Stop

READABLE = 0o644
"""For everybody to read, and for nobody else to write: clients refuse others."""


def write_whole(path: Path, data: bytes) -> None:
    """Replace the file at once. Raises `Stop`, and leaves what was there."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            place = Path(file.name)
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                place.chmod(READABLE)
                place.replace(path)
            finally:
                place.unlink(missing_ok=True)
    except OSError as error:
        raise Stop(f"{path}: {error.strerror}", ExitCode.USAGE) from error


def write_folder(folder: Path, files: Mapping[str, bytes], *, within: str) -> None:
    """Write the files in their order, then remove every other file of their names below `within`: the last one lists only what is there.

    Raises `Stop`.
    """
    for name, data in files.items():
        write_whole(folder / name, data)
    kept = {folder / name for name in files}
    names = {Path(name).name for name in files}
    try:
        for old in sorted((folder / within).rglob("*"), reverse=True):
            if old.is_dir() and not old.is_symlink() and not any(old.iterdir()):
                old.rmdir()
            elif old.name in names and old.is_file() and old not in kept:
                old.unlink()
                if old.parent != folder / within and not any(old.parent.iterdir()):
                    old.parent.rmdir()
    except OSError as error:
        raise Stop(f"{error.filename or folder}: {error.strerror}", ExitCode.USAGE) from error
