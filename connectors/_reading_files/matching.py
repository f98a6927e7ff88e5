"""The files that a place names: a path, a pattern, or a folder."""

from glob import has_magic
from itertools import islice
from pathlib import Path

from monitor.ports.errors import Malformed, NotFound

MAX_FILES = 20_000


def matching(place: Path, *, inside: str, source: str) -> tuple[Path, ...]:
    """Return the regular files, in the order of their names; `inside` is the pattern of those that count where the place is a folder.

    Raises NotFound where there is none, and Malformed for too many.
    """
    try:
        if place.is_file():
            return (place,)
        if place.is_dir():
            found = place.glob(inside)
        elif has_magic(str(place)):
            anchor = Path(place.anchor or ".")
            found = anchor.glob(str(place.relative_to(place.anchor)))
        else:
            raise NotFound(source, f"{place}: no such file; correct the path in the configuration, or take it out")
        files = sorted(path for path in islice(found, MAX_FILES + 1) if path.is_file())
    except (OSError, ValueError) as error:
        raise NotFound(source, f"{place}: {error}") from error
    if not files:
        raise NotFound(source, f"{place}: no file of that name; correct the path in the configuration, or take it out")
    if len(files) > MAX_FILES:
        raise Malformed(source, f"{place}: over {MAX_FILES} files")
    return tuple(files)
