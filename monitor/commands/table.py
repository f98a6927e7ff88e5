"""How a table fits its reader's terminal: nothing is cut; cells wrap where names and sentences have joints, and columns give way."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, chop_cells

GAP = "  "
JOINT = re.compile(r"(?<=[ /])|(?<=[a-z][-_])(?=[a-z])")
"""After a space or a slash, and between the words of a name; never within a version."""
NARROW = 4
"""No column is made narrower than this many characters."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column's head. Where there is no room the highest `gives_way` is left out first; 0 always stays."""

    name: str
    gives_way: int = 0


@dataclass(frozen=True, slots=True)
class Fit:
    """Which columns are shown, by their index, and how wide each of them is."""

    shown: tuple[int, ...]
    widths: tuple[int, ...]


def fit(header: Sequence[Column], rows: Sequence[Sequence[str]], room: int) -> Fit:
    """Fit the table into so many characters: wrap first, then leave columns out, and break words only when nothing else is left."""
    columns = [(column.name, *(row[index] for row in rows)) for index, column in enumerate(header)]
    shown = list(range(len(columns)))
    whole = [max(map(cell_len, column)) for column in columns]
    least = [max(cell_len(part.rstrip()) for cell in column for part in JOINT.split(cell)) for column in columns]
    while _total([least[index] for index in shown]) > room:
        loose = [index for index in shown if header[index].gives_way]
        if not loose:
            break
        shown.remove(max(loose, key=lambda index: header[index].gives_way))
    wrapped = _shrunk([whole[index] for index in shown], [least[index] for index in shown], room)
    return Fit(tuple(shown), tuple(_shrunk(wrapped, [NARROW] * len(shown), room)))


def wrap(cell: str, width: int) -> list[str]:
    """Break one line of text into lines of that width: at joints, and within a word only where it is wider."""
    lines = [""]
    for part in JOINT.split(cell):
        if cell_len((lines[-1] + part).rstrip()) <= width:
            lines[-1] += part
        elif cell_len(part.rstrip()) <= width:
            lines.append(part)
        else:
            lines += chop_cells(part, max(width, 2))  # two: the widest character there is
    return [line.rstrip() for line in lines if line.strip()] or [""]


def pad(text: str, width: int) -> str:
    """Fill up with spaces; wide characters count twice, as a terminal shows them."""
    return text + " " * (width - cell_len(text))


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _shrunk(widths: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Take from the widest column, a character at a time, until all fit or none can give more."""
    found = list(widths)
    while _total(found) > room:
        giving = [index for index, width in enumerate(found) if width > least[index]]
        if not giving:
            break
        found[max(giving, key=lambda index: found[index])] -= 1
    return found
