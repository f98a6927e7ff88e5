"""The registry file, written into: under a lock, as a whole or not at all."""

import asyncio
import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from connectors._registry_edit import edit
from connectors._registry_text import MAX_BYTES, NAME
from connectors._yaml_edit import NotEditable
from monitor.domain.action import Deferred, Delivered, Delivery, Rejected
from monitor.ports.channels import Change
from monitor.ports.errors import Denied, Unavailable

BOM = b"\xef\xbb\xbf"
SOON = 5.0
"""Seconds until another try, where somebody else writes."""
UNCHANGED = "unchanged"
"""What a delivery is called that found everything written already."""


@dataclass(frozen=True, slots=True)
class FileWriter:
    """Writes into the file at `path`; a link is followed, and stays."""

    path: Path

    @property
    def name(self) -> str:
        """`registry-file`."""
        return NAME

    async def write(self, change: Change) -> Delivery:
        """Write it; the file is read anew under a lock, so that what somebody changed meanwhile is kept, or refuses the change."""
        return await asyncio.to_thread(self._write, change)

    async def probe(self) -> str:
        """Whether it may be written. Raises `Unavailable` where there is no file, `Denied` where it may not."""
        target = self.path.resolve()
        if not target.is_file():
            raise Unavailable(NAME, f"{self.path} is no file")
        for place in (target, target.parent):
            if not os.access(place, os.W_OK):
                raise Denied(NAME, f"{place} may not be written: {_way_out()}")
        return f"{NAME}: decisions are written into {self.path}"

    def _write(self, change: Change) -> Delivery:
        target = self.path.resolve()
        try:
            with _locked(target):
                return self._under_lock(target, change)
        except BlockingIOError:
            return Deferred(f"{self.path}: somebody else is writing", SOON)
        except FileNotFoundError:
            return Rejected(f"{self.path} does not exist")
        except OSError as error:
            return Rejected(f"{self.path} cannot be written: {error.strerror}; {_way_out()}")

    def _under_lock(self, target: Path, change: Change) -> Delivery:
        data = _read(target)
        bare = data.removeprefix(BOM)
        try:
            edited = edit(bare.decode(), change).encode()
        except UnicodeDecodeError:
            return Rejected(f"{self.path}: not UTF-8")
        except NotEditable as error:
            return Rejected(f"{self.path}: {error}")
        if edited == bare:
            return Delivered(UNCHANGED)
        # An editor knows nothing of our lock.
        if _read(target) != data:
            return Deferred(f"{self.path}: changed while it was written", SOON)
        _replace(target, data[: len(data) - len(bare)] + edited)
        return Delivered(str(self.path))


def _read(target: Path) -> bytes:
    with target.open("rb") as file:
        return file.read(MAX_BYTES + 1)


@contextmanager
def _locked(target: Path) -> Iterator[None]:
    """Hold the lock beside the file; it is never removed, since another process may wait for exactly this one. Raises OSError."""
    place = target.with_name(f".{target.name}.lock")
    descriptor = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _replace(target: Path, data: bytes) -> None:
    """Put other bytes in the file's place, with its mode and, as far as we may, its owner. Raises OSError."""
    before = target.stat()
    if not os.access(target, os.W_OK):
        raise PermissionError(13, "the file is read-only")
    descriptor, made = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".new")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), before.st_mode & 0o7777)
            with suppress(PermissionError):
                os.fchown(file.fileno(), before.st_uid, before.st_gid)
            file.flush()
            os.fsync(file.fileno())
        Path(made).replace(target)
    except BaseException:  # whatever ended it: no part is left behind
        with suppress(OSError):
            Path(made).unlink()
        raise
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _way_out() -> str:
    return 'let the program\'s account write there, or propose decisions instead: `write = "pull-request"` in [reviews]'
