"""Opening what somebody named: a regular file, or a clear refusal."""

import os
import stat
from pathlib import Path
from typing import BinaryIO

from monitor.ports.errors import NotFound, Unavailable


def opened(path: Path, *, source: str) -> BinaryIO:
    """Open a regular file; a pipe or a device could keep us waiting for ever. Raises `NotFound` and `Unavailable`."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise NotFound(source, f"{path}: no such file") from error
    except OSError as error:
        raise Unavailable(source, f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise NotFound(source, f"{path}: {error}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Unavailable(source, f"{path} is not a regular file")
    return os.fdopen(descriptor, "rb")
