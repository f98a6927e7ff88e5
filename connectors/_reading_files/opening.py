"""Opening what somebody named: a regular file, or a clear refusal."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from monitor.ports.errors import NotFound, Unavailable


@contextmanager
def opened(path: Path, *, source: str) -> Iterator[BinaryIO]:
    """Open a regular file for reading; a pipe or a device could keep us waiting for ever.

    Raises `NotFound` and `Unavailable`, the latter also for a file that cannot be read any further.
    """
    try:
        with os.fdopen(_descriptor(path, source), "rb") as file:
            yield file
    except OSError as error:
        raise Unavailable(source, f"{path}: {error.strerror or error}") from error


@contextmanager
def opened_below(folder: Path, path: Path, *, source: str) -> Iterator[BinaryIO]:
    """Open a regular file below a folder as `opened` does, and follow no link: one may have been put there since somebody looked.

    Both paths are free of links.
    """
    try:
        with os.fdopen(_regular(_stepwise(folder, path), path, source), "rb") as file:
            yield file
    except OSError as error:
        raise Unavailable(source, f"{path}: {error.strerror or error}") from error


def _stepwise(folder: Path, path: Path) -> int:
    # A folder may be entered by those who may not list it.
    entering = int(getattr(os, "O_PATH", os.O_RDONLY)) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    at = os.open(folder, entering)
    try:
        for part in path.relative_to(folder).parts[:-1]:
            inner = os.open(part, entering, dir_fd=at)
            os.close(at)
            at = inner
        return os.open(path.name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
    finally:
        os.close(at)


def _descriptor(path: Path, source: str) -> int:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise NotFound(source, f"{path}: no such file") from error
    except ValueError as error:
        raise NotFound(source, f"{path}: {error}") from error
    return _regular(descriptor, path, source)


def _regular(descriptor: int, path: Path, source: str) -> int:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Unavailable(source, f"{path} is not a regular file")
    return descriptor
