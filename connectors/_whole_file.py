"""Files that are there as a whole or not at all, whoever reads meanwhile."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

OURS_ALONE = 0o600


def write_whole(path: Path, data: bytes, *, mode: int = OURS_ALONE) -> None:
    """Replace a file in one step. Raises OSError, and leaves what was there. `mode`: who may do what with it, whatever the umask."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".new")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:  # whatever ended it: no part is left behind
        with suppress(OSError):
            Path(name).unlink()
        raise
