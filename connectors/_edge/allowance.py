"""How much a document may list: in proportion to its bytes, so that a hostile megabyte costs little more than an honest one."""

from dataclasses import dataclass
from typing import Self

from connectors._edge.address import shown
from monitor.ports.errors import Malformed

NAMED = 1
"""What a version counts that is only named in a list. Each takes up to 4 µs to read."""
DESCRIBED = 2
"""What a file or a version counts that is described, and once more an address in it that has to be taken apart."""
FREE = 2_000
"""What any document may list, however small."""
BYTES_FOR_ONE = 56
"""The least that a registry writes. A file with its sha256 alone has 130 bytes, and with its version counts three; real documents have
400 bytes and more for that. With 2 to 4 µs for each, a megabyte is read in less than 100 ms."""


@dataclass(slots=True)
class Allowance:
    """What is left of what a document may list."""

    source: str
    url: str
    size: int
    left: int

    @classmethod
    def of(cls, source: str, url: str, body: bytes) -> Self:
        """Return what the document that came from `url` may list."""
        return cls(source, url, len(body), FREE + len(body) // BYTES_FOR_ONE)

    def take(self, number: int) -> None:
        """Count so much. Raises `Malformed` where it is too much: a part of a listing would hide the rest."""
        self.left -= number
        if self.left < 0:
            raise Malformed(
                self.source,
                f"{shown(self.url)} lists more files and versions than any registry describes in {self.size} bytes",
            )
