"""A home as it is read: within limits, regular files alone, and nothing to which a link leads out of it."""

import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from connectors._reading_files.opening import opened_below
from monitor.domain.purl import Purl
from monitor.domain.release import Digest
from monitor.ports.errors import SourceError, Unavailable

MAX_LOOKS = 100_000
"""Files and folders that are looked at for one home."""
MAX_NAMES = 10_000
"""In one folder."""
MAX_PATH = 4096
OF_A_USER = re.compile(r"(?:/home|/Users|[A-Za-z]:/Users)/([^/]+)(?=/|$)")
OF_ANYBODY = re.compile(r"(~|\$HOME|\$\{HOME\}|\$\{userHome\}|\$\{env:HOME\}|%USERPROFILE%)(?=/|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Found:
    """A package on the disk, with its version. `note`: where it came from, if not from its registry."""

    purl: Purl
    digest: Digest | None = None  # None: not recorded there
    note: str = ""
    own: bool = False
    """Whether it came from somewhere else than a registry: then its name and version are what it says of itself."""


class Disk:
    """One home. What cannot be read is as if it were not there: nothing is concluded from it."""

    def __init__(self, home: Path) -> None:
        """Hold the name; nothing is read yet."""
        self.home = home.resolve()
        self._left = MAX_LOOKS
        self._names: dict[Path, tuple[str, ...]] = {}

    @property
    def exhausted(self) -> bool:
        """Whether something was not looked at since it was too much."""
        return self._left <= 0

    def place(self, text: str, base: Path | None) -> Path | None:
        """Return where a path leads that somebody wrote; None: not into this home. A mounted home is known by its user's name."""
        if not text or len(text) > MAX_PATH or "\0" in text:
            return None
        path = text.replace("\\", "/")
        if own := OF_ANYBODY.match(path):
            path = f"{self.home}{path[own.end() :]}"
        elif not Path(path).is_relative_to(self.home) and (user := OF_A_USER.match(path)):
            path = f"{self.home}{path[user.end() :]}" if user[1] == self.home.name else path
        if not path.startswith("/"):
            return None if base is None or re.match("[A-Za-z]:/", path) else base / path
        return Path(path)

    def names(self, folder: Path) -> tuple[str, ...]:
        """Return what a folder holds, in order; nothing where it is none."""
        if folder not in self._names:
            inside = self._inside(folder)
            try:
                found = sorted(path.name for path in islice(inside.iterdir(), MAX_NAMES)) if inside else []
            except OSError:
                found = []
            self._names[folder] = tuple(found)
        return self._names[folder]

    def read(self, path: Path, limit: int) -> bytes | None:
        """Return the first `limit` bytes of a regular file; None where there is none."""
        inside = self._inside(path)
        if inside is None:
            return None
        try:
            return self._read(inside, limit)
        except (SourceError, OSError):
            return None

    def must_read(self, path: Path, limit: int) -> bytes:
        """Return the first `limit` bytes of a regular file. Raises SourceError where it is none, or lies elsewhere, and OSError."""
        inside = self._inside(path)
        if inside is None:
            where = "was not reached" if self.exhausted else f"leads out of {self.home}"
            raise Unavailable("installed", f"{path}: {where}, and is not read")
        return self._read(inside, limit)

    def _read(self, inside: Path, limit: int) -> bytes:
        with opened_below(self.home, inside, source="installed") as file:
            return file.read(limit)

    def holds(self, path: Path) -> bool:
        """Say whether a regular file is there, and in this home by whatever way."""
        inside = self._inside(path)
        try:
            return inside is not None and inside.is_file()
        except OSError:
            return False

    def changed(self, path: Path) -> float:
        """Return when something was last written, in seconds since 1970; 0 where it is not there."""
        inside = self._inside(path)
        try:
            return inside.stat().st_mtime if inside else 0
        except OSError:
            return 0

    def _inside(self, path: Path) -> Path | None:
        self._left -= 1
        if self._left < 0:
            return None
        try:
            real = path.resolve()
        except (OSError, ValueError, RuntimeError):  # a loop of links
            return None
        return real if real.is_relative_to(self.home) else None
