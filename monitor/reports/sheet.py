"""A section as a CSV file (RFC 4180), in which no cell is a formula.

Spreadsheets compute what begins with =, +, -, @ or a tab, whoever wrote it: such a cell gets an apostrophe before it.
Source: https://owasp.org/www-community/attacks/CSV_Injection
"""

import csv
from collections.abc import Iterable
from typing import Protocol

from monitor.domain.text import visible

COMPUTED = ("=", "+", "-", "@", "\t", "\r", "\n")


class Writable(Protocol):
    """A text file, also a temporary one."""

    def write(self, text: str, /) -> object:
        """Write the text."""


def write_sheet(file: Writable, header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> int:
    """Write the header and the rows, one at a time; return how many rows."""
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(header)
    count = 0
    for row in rows:
        writer.writerow([harmless(cell) for cell in row])
        count += 1
    return count


def harmless(cell: str) -> str:
    """Return the cell as text that no spreadsheet computes, without characters that cannot be seen."""
    shown = visible(cell)
    # Blanks before it are passed over by some.
    return f"'{shown}" if shown.lstrip(" ").startswith(COMPUTED) else shown
