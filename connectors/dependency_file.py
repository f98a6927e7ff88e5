"""Lock files and SBOMs that the organisation keeps beside its approvals, one file about one version of a server.

It knows: the packages of npm and PyPI that stand in the file at exactly one version, and where the format tells it, the shortest way from
the server's own dependencies to each. Read are package-lock.json and npm-shrinkwrap.json (1, 2, 3), yarn.lock (1 and later),
pnpm-lock.yaml (5, 6, 9), uv.lock, poetry.lock, pylock.toml, Pipfile.lock, requirements.txt, CycloneDX as JSON (1.2 to 1.7), and SPDX as
JSON (2.2, 2.3, 3.0); the format is told by the file's shape, and its name says nothing but that it is requirements.txt.
It does not know: whether that is what is installed. What comes from elsewhere than a registry (git, a folder, an address) and what stands
there as a range is named, and not looked at; packages for other platforms count. Nothing is resolved, and nothing of the file is run.
"""

import os
import re
from pathlib import Path
from typing import BinaryIO

from connectors._dependency_files import (
    pnpm_lock,
    poetry_lock,
    pylock,
    requirements,
    uv_lock,
    yarn_lock,
)
from connectors._dependency_files.graph import NAME, dependencies, limited, refused
from connectors._dependency_files.in_json import KNOWN, Parse, of_json
from connectors._reading_files.opening import opened
from monitor.domain.dependency import Dependencies
from monitor.domain.purl import Purl
from monitor.ports.errors import Unavailable
from monitor.ports.sources import DependencySource, Unchanged

MAX_BYTES = 64 * 2**20
EDITION = 1
"""Part of the stamp: with a new one, files are read again that did not change."""

SHAPES: tuple[tuple[re.Pattern[bytes], Parse], ...] = (
    (re.compile(rb"^(?:# yarn lockfile v1|__metadata:)", re.MULTILINE), yarn_lock.parse),
    (re.compile(rb"^lockfileVersion:", re.MULTILINE), pnpm_lock.parse),
    (re.compile(rb"^\[\[packages\]\]|^created-by\s*=", re.MULTILINE), pylock.parse),
    (
        re.compile(rb"^(?:content-hash|lock-version|python-versions)\s*=|^# .{0,100}\bPoetry\b", re.MULTILINE),
        poetry_lock.parse,
    ),
    (re.compile(rb"^\[\[package\]\]|^\[(?:manifest|options)\]|^requires-python\s*=", re.MULTILINE), uv_lock.parse),
)
"""What is not JSON, by a line that no file of that format is without, in this order."""

REQUIREMENTS = re.compile(r".*requirements.*|.*constraints.*|.*\.txt", re.IGNORECASE)


def build(*, base: Path = Path()) -> DependencySource:
    """Read each file anew, unless its stamp says that it is what it was. `base`: the folder of places that are relative."""
    return DependencyFile(base)


class DependencyFile:
    """The files, whatever their formats."""

    def __init__(self, base: Path) -> None:
        """Hold the folder; nothing is read yet."""
        self._base = base

    def read(self, place: Path, of: Purl, *, known: str) -> Dependencies | Unchanged:
        """Read the file about that version of a server.

        Raises `NotFound` where there is none, `Unavailable`, and `Malformed` for one that is about something else or not to be read.
        """
        with opened(self._base / place, source=NAME) as file:
            stamp = _stamp(file)
            if stamp == known:
                return Unchanged()
            try:
                data = file.read(MAX_BYTES + 1)
            except OSError as error:
                raise Unavailable(NAME, f"{place}: {error.strerror}") from error
        return parse(data, place.name, of, stamp=stamp)


def parse(data: bytes, name: str, of: Purl, *, stamp: str = "") -> Dependencies:
    """Read the file's bytes; `name` is the file's own. Raises `Malformed`."""
    if len(data) > MAX_BYTES:
        raise refused(f"{name}: larger than {MAX_BYTES} bytes")
    graph = limited(_parser(data.removeprefix(b"\xef\xbb\xbf"), name)(data.removeprefix(b"\xef\xbb\xbf")))
    return dependencies(graph, of, stamp=stamp)


def _stamp(file: BinaryIO) -> str:
    """The state of a file: what replaces it has another inode even where it has the same time and size."""
    state = os.fstat(file.fileno())
    return f"{EDITION}:{state.st_mtime_ns}:{state.st_size}:{state.st_ino}"


def _parser(data: bytes, name: str) -> Parse:
    """Tell the format. Raises `Malformed`."""
    first = data.lstrip()[:1]
    if first == b"{":
        return of_json(data, name)
    if first == b"<":
        raise refused(f"{name}: XML, which is not read; export the SBOM as JSON")
    shaped = next((parser for shape, parser in SHAPES if shape.search(data)), None)
    if shaped is None and REQUIREMENTS.fullmatch(name):
        return requirements.parse
    if shaped is None:
        raise refused(f"{name}: of no form that is known; {KNOWN}")
    return shaped
