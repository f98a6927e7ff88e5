"""A table of a report, before it is known what it becomes."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Section:
    """One table. Every cell may quote strangers: whoever writes it escapes it."""

    name: str
    """Of a sheet's file, and of the page's part."""
    title: str
    note: str
    """What the table holds, and what it does not."""
    header: tuple[str, ...]
    rows: Iterable[tuple[str, ...]]
    """Read once: there may be millions."""
    empty: str = "None."
    """The sentence for no rows."""
