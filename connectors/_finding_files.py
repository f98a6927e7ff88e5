"""Finds files by patterns, and tells what could not be looked at: a folder that is closed is not an empty one."""

import os
import stat
from collections.abc import Iterator
from fnmatch import fnmatchcase
from glob import has_magic
from pathlib import Path

MAX_ENTRIES = 200_000
"""Files and folders that are looked at."""

MAX_DEPTH = 40


class Search:
    """What was found, one search after the other. `problems` are in order, each once."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._problems: dict[str, None] = {}
        self._left = MAX_ENTRIES

    @property
    def problems(self) -> tuple[str, ...]:
        """What could not be looked at."""
        return tuple(self._problems)

    def files(self, folder: Path, pattern: str) -> list[Path]:
        """Return the regular files that a path or glob pattern below the folder names, in order. Never raises."""
        return sorted(self._below(folder, pattern.replace("\\", "/").split("/"), MAX_DEPTH))

    def _below(self, folder: Path, parts: list[str], depth: int) -> Iterator[Path]:
        part, rest = parts[0], parts[1:]
        if part == "**":
            yield from self._below(folder, rest, depth)
            for entry in self._entries(folder) if depth else ():
                if entry.is_dir(follow_symlinks=False):
                    yield from self._below(folder / entry.name, parts, depth - 1)
            return
        names = (
            [entry.name for entry in self._entries(folder) if fnmatchcase(entry.name, part)]
            if has_magic(part)
            else [part]
        )
        for name in names:
            yield from self._below(folder / name, rest, depth) if rest else self._file(folder / name)

    def _file(self, path: Path) -> Iterator[Path]:
        try:
            mode = path.stat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            return
        except (OSError, ValueError) as error:
            self._cannot(path, error)
            return
        if stat.S_ISREG(mode):
            yield path
        elif not stat.S_ISDIR(mode):
            self._problems[f"{written(path)}: not a regular file, and not read"] = None

    def _entries(self, folder: Path) -> list[os.DirEntry[str]]:
        found: list[os.DirEntry[str]] = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    self._left -= 1
                    if self._left < 0:
                        self._problems[f"over {MAX_ENTRIES} files and folders; the others are not looked at"] = None
                        break
                    found.append(entry)
        except (FileNotFoundError, NotADirectoryError):
            return []
        except (OSError, ValueError) as error:
            self._cannot(folder, error)
        return found

    def _cannot(self, path: Path, error: OSError | ValueError) -> None:
        where = _closed(path) if isinstance(error, PermissionError) else path
        reason = (error.strerror or type(error).__name__) if isinstance(error, OSError) else str(error)
        self._problems[f"{written(where)}: {reason}"] = None


def written(path: Path) -> str:
    """Return a path as text that every encoding can write."""
    return os.fsencode(path).decode("utf-8", "replace")


def _closed(path: Path) -> Path:
    """Return the outermost folder that may not be entered, so that it is told once and not for each place below it."""
    for each in [*reversed(path.parents), path]:
        try:
            each.stat()
        except PermissionError:
            return each.parent
        except OSError:
            break
    return path
